"""
Activations of encoders
=======================

The encoder of an autoencoder is a linear map and one of these functions. It decides which units are
active, and how much.
"""

# %%
# `sparsecode.ops` has each function with its derivative. Forward functions return the values and
# what the derivative needs.

import matplotlib.pyplot as plt
import numpy as np

from sparsecode import ops

a = np.linspace(-2, 2, 401)[:, None]
threshold = np.array([0.7])
curves = {
    "ReLU": ops.relu_forward(a),
    "LeakyReLU": ops.leaky_relu_forward(a, slope=0.1),
    "JumpReLU": ops.jumprelu_forward(a, threshold, bandwidth=0.1),
    "soft threshold": ops.soft_threshold_forward(a, threshold),
    "Sigmoid": ops.sigmoid_forward(a),
    "Tanh": ops.tanh_forward(a),
}
figure, axes = plt.subplots(2, 3, figsize=(8, 4.6), sharex=True, sharey=True)
for ax, (name, (values, _)) in zip(axes.flat, curves.items(), strict=True):
    ax.axhline(0, color="0.8", linewidth=1)
    ax.plot(a.ravel(), values.ravel())
    ax.set_title(name)
figure.supxlabel("value of the linear map")
figure.supylabel("code")
figure.tight_layout()

# %%
# TopK and its relatives compare units with each other, so they are no curve. All encoders are in a
# table under :ref:`encoders-of-autoencoders`.
