"""
Penalties side by side
======================

A penalty decides what happens to a coefficient: to small ones, which become 0, and to large ones,
which may be shrunk or left as they are.
"""

# %%
# For an atom of norm 1 that is alone, the code of a sample is the *proximal operator* of the
# penalty at the correlation of the two. So the curves show what each penalty does.

import matplotlib.pyplot as plt
import numpy as np

from sparsecode.penalties import L0, L1, MCP, SCAD, Cauchy, ElasticNet, LogSum, Tanh

penalties = [
    L1(),
    ElasticNet(l1_ratio=0.5),
    L0(0.5),
    MCP(knot=3.0),
    SCAD(knot=3.0),
    LogSum(),
    Tanh(),
    Cauchy(),
]
correlation = np.linspace(-4, 4, 401)
figure, axes = plt.subplots(2, 4, figsize=(9, 4.6), sharex=True, sharey=True)
for ax, penalty in zip(axes.flat, penalties, strict=True):
    ax.plot(correlation, correlation, color="0.8", linewidth=1)
    ax.plot(correlation, penalty.prox(correlation[:, None]).ravel())
    ax.set_title(type(penalty).__name__)
figure.supxlabel("correlation of sample and atom")
figure.supylabel("coefficient")
figure.tight_layout()

# %%
# Where a curve is flat at 0, small coefficients vanish. Where it meets the grey line, large ones
# are not shrunk. A jump means that the penalty is not convex, and that codes can be local minima.
# Which penalty is for what is under :ref:`penalties`.
