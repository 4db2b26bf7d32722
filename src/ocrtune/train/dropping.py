"""Dropout whose masks belong to the lines of a batch, however the batch is cut into pieces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn


class LineDropout:
    """Leaves out features of a network's `nn.Dropout` modules, whose own rate stays 0.

    Masks depend on seed, step and a line's place in its batch. So a batch learns the same in one piece, in
    several, by several processes, and again after a piece did not fit into memory.

    Args:
        network: gets hooks.
        rate: share of features left out; 0 does nothing.
        seed: of the run.
    """

    def __init__(self, network: nn.Module, rate: float, seed: int) -> None:
        self._rate = rate
        self._seed = seed
        self._seeds, self._lines, self._calls = (0, 0), 0, 0
        self._rows: Sequence[int] = ()
        for module in network.modules():
            if rate and isinstance(module, nn.Dropout):
                module.register_forward_hook(self._leave_out)

    def begin(self, step: int, lines: int, rows: Sequence[int], batch: int) -> None:
        """Say which lines come next: `rows` of the `lines` of a batch of a step, which may have several."""
        self._seeds, self._lines, self._rows, self._calls = (step, batch), lines, rows, 0

    def _leave_out(self, module: nn.Module, _: object, features: Tensor) -> Tensor:
        """Features (n, …) of the lines at `rows`, some of them 0 and the others larger for it."""
        if not module.training:
            return features
        words = np.random.SeedSequence((self._seed, *self._seeds, self._calls)).generate_state(1, np.uint64)
        self._calls += 1
        generator = torch.Generator(features.device).manual_seed(int(words[0]))
        drawn = torch.rand((self._lines, *features.shape[1:]), generator=generator, device=features.device)
        kept = drawn[torch.as_tensor(self._rows, device=features.device)] >= self._rate
        return features * kept / (1 - self._rate)
