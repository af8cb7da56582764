"""
Learning rates that change
==========================

A schedule gives the rate of every step of training. Schedules can be joined and warmed up.
"""

# %%
# Each schedule is a function of the step.

import matplotlib.pyplot as plt

from sparsecode.optimizers import Adam
from sparsecode.schedules import Constant, Cosine, GeometricDecay, Linear, Step, WarmUp

schedules = {
    "Constant": Constant(0.01),
    "Linear": Linear(0.01, 0.001, n_steps=300),
    "Cosine": Cosine(0.01, 0.001, n_steps=300),
    "GeometricDecay": GeometricDecay(0.01, 0.001, n_steps=300),
    "Step": Step(0.01, factor=0.3, every=100),
    "WarmUp of Cosine": WarmUp(Cosine(0.01, 0.001, n_steps=300), n_steps=50),
}
steps = range(300)
figure, axes = plt.subplots(2, 3, figsize=(8.5, 4.5), sharex=True, sharey=True)
for ax, (name, schedule) in zip(axes.flat, schedules.items(), strict=True):
    ax.plot(steps, [schedule(step) for step in steps])
    ax.set_title(name)
for ax in axes[1]:
    ax.set_xlabel("step")
for ax in axes[:, 0]:
    ax.set_ylabel("rate")
figure.tight_layout()

# %%
# An optimizer takes one in place of a number.

print(Adam(schedules["WarmUp of Cosine"]))
