"""Training steps, timed one by one."""

from __future__ import annotations

import time

import numpy as np

from sparsecode.optimizers import Adam
from sparsecode.training import train


def timed_steps(encoder, dictionary, X, loss, *, lr, batch_size, clock=time.perf_counter):
    """Yields, for every pass over `X`, the time of each step but one, and the first loss."""
    times, losses = [], []

    def told(progress):
        times.append(clock())
        losses.append(progress.loss)

    states = train(
        encoder,
        dictionary,
        X,
        loss=loss,
        optimizer=Adam(lr=lr),
        n_epochs=10**6,
        batch_size=batch_size,
        learn_dictionary=True,
        shuffle=False,
        random_state=0,
        callback=told,
    )
    next(states)
    while True:
        times.clear()
        next(states)
        # The first step of a round copies the state.
        yield np.diff(times, axis=0), losses[0]
