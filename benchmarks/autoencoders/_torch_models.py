"""Autoencoders in torch, as one writes them there: competitors of the benchmark only."""

from __future__ import annotations

import torch
import torch.nn.functional as F


class TorchAutoencoder(torch.nn.Module):
    """ReLU with an l1 penalty (k None), or TopK, with one of two ways to decode."""

    def __init__(self, atoms, k=None, alpha=0.0, embedding=False, bias=0.0):
        super().__init__()
        self.W = torch.nn.Parameter(torch.tensor(atoms))
        self.b = torch.nn.Parameter(torch.full((len(atoms),), bias))
        self.atoms = torch.nn.Parameter(torch.tensor(atoms))
        self.offset = torch.nn.Parameter(torch.zeros(atoms.shape[1]))
        self.k, self.alpha, self.embedding = k, alpha, embedding

    def forward(self, x):
        codes = torch.relu(F.linear(x - self.offset, self.W, self.b))
        penalty = 0.0
        if self.k is None:
            penalty = self.alpha * codes.sum(dim=1).mean()
            x_hat = codes @ self.atoms
        else:
            values, units = torch.topk(codes, self.k, dim=1, sorted=False)
            if self.embedding:
                x_hat = F.embedding_bag(units, self.atoms, per_sample_weights=values, mode="sum")
            else:
                x_hat = torch.zeros_like(codes).scatter(1, units, values) @ self.atoms
        error = x_hat + self.offset - x
        return error.square().sum(dim=1).mean() / 2 + penalty


class TorchTrainer:
    """Steps of Adam on one model."""

    def __init__(self, model, lr, *, compiled=False, fused=False):
        self.model = model
        self.loss = torch.compile(model) if compiled else model
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr, fused=fused)

    def step(self, X):
        """One step on a batch; returns the loss before it."""
        loss = self.loss(torch.from_numpy(X))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return float(loss.detach())
