"""A running average of the weights: what is validated, saved and served."""

from __future__ import annotations

import copy

import torch
from torch import nn


class WeightAverage:
    """Exponential average of a network's parameters; buffers are taken as they are.

    Args:
        network: its weights are the first average.
        decay: share of the old average kept per update, once past the start.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay
        self.updates = 0

    def restart(self, network: nn.Module) -> None:
        """Begin anew with the weights of `network`."""
        self.network.load_state_dict(network.state_dict())
        self.updates = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Move the average towards `network`; early on faster, or it would lag behind the start."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        averages = list(self.network.parameters())
        torch._foreach_lerp_(averages, list(network.parameters()), 1 - decay)
        for average, current in zip(self.network.buffers(), network.buffers(), strict=True):
            average.copy_(current)
