"""Weights between a run's start and its end, and which of them is the best to keep.

A run that validates on made lines goes back towards its base: such lines tell what was learned of words,
symbols and shapes, not what was forgotten of real print. A run with a guard goes back as far as general
lines ask for. Weight interpolation (Wortsman et al. 2022, WiSE-FT), with the share found instead of given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from ocrtune.models import FED, HEAD
from ocrtune.train.guard import Guard, GuardScore
from ocrtune.train.validation import Validation, Validator

KEPT = 0.95
"""Of the error rate that training took away, on the made lines that validate (log 2026-11-25)."""

MADE_SHARES = (0.6, 0.7, 0.8, 0.9, 1.0)
"""Of the way from the start to the end, where made lines validate. Nearer than 0.6, made lines are still read
where real ones no longer are: plates lost 14 points at 0.3 (log 2026-11-25)."""

GUARDED_SHARES = (1.0, 0.8, 0.6, 0.4, 0.2)
"""Where real lines validate and a guard holds."""

Weights = Mapping[str, torch.Tensor]


def copied_weights(network: nn.Module) -> Weights:
    """The weights and statistics of a network as they are now."""
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


@dataclass(frozen=True, slots=True)
class Point:
    """A place on the way from a run's start to its end."""

    share: float
    """Of the way that lies behind it: 0 is the start."""
    validation: Validation
    guard: GuardScore | None
    """None where there is no guard."""

    @property
    def is_kept(self) -> bool:
        """Whether the guard allows it."""
        return self.guard is None or self.guard.is_kept


class Way:
    """The straight way between two sets of weights of one network.

    Args:
        network: stands at the end, and is moved.
        start: the weights that training began with.
        validator: reads the lines that validate.
        bf16: whether it reads in that precision.
        layout: of its images in memory.
        guard: reads the general lines, if there are some.
        added: classes that the start does not know: what it would say of them is no place to go back to.
    """

    def __init__(
        self,
        network: nn.Module,
        start: Weights,
        validator: Validator,
        bf16: bool,
        layout: torch.memory_format,
        guard: Guard | None = None,
        added: Sequence[int] = (),
    ) -> None:
        self.network = network
        self._start = start
        self._end = copied_weights(network)
        self._validator = validator
        self._reading = (bf16, layout)
        self._guard = guard
        self._added = list(added)

    @torch.no_grad()
    def go_to(self, share: float) -> None:
        """Move the network: 0 is the start as it was."""
        start, end = self._start, self._end
        state = {name: _between(start[name], end[name], share) for name in end}
        for name in state:
            if share and self._added and name.startswith((HEAD, FED)):
                state[name][self._added] = end[name][self._added]
        self.network.load_state_dict(state)

    def at(self, share: float) -> Point:
        """Move there, and read all lines."""
        return self._read(share, self._guarded(share))

    def kept_at(self, share: float) -> Point | None:
        """Move there, and read all lines if the guard allows that place."""
        guard = self._guarded(share)
        return self._read(share, guard) if guard is None or guard.is_kept else None

    def _guarded(self, share: float) -> GuardScore | None:
        self.go_to(share)
        return None if self._guard is None else self._guard.score(self.network)

    def _read(self, share: float, guard: GuardScore | None) -> Point:
        return Point(share, self._validator.score(self.network, *self._reading), guard)


def nearest_that_keeps_the_gain(way: Way) -> Point | None:
    """Move to the nearest point to the start that keeps `KEPT` of what was gained on the lines that validate.

    Returns:
        That point, its share one of `MADE_SHARES`; None where the guard allows none of them.
    """
    start, end = way.at(0.0), way.at(1.0)
    first, last = start.validation.metrics.cer, end.validation.metrics.cer
    allowed = last + (1 - KEPT) * max(0.0, first - last)
    for share in MADE_SHARES:
        point = way.at(share) if share < 1 else end
        if point.validation.metrics.cer <= allowed and point.is_kept:
            way.go_to(share)
            return point
    return None


def best_that_is_kept(way: Way) -> Point | None:
    """Move to the point that reads the lines that validate best, of those that the guard allows.

    Returns:
        That point, its share one of `GUARDED_SHARES`; None where the guard allows none of them.
    """
    points = [point for share in GUARDED_SHARES if (point := way.kept_at(share)) is not None]
    if not points:
        return None
    best = min(points, key=lambda point: point.validation.score)
    way.go_to(best.share)
    return best


def _between(start: torch.Tensor, end: torch.Tensor, share: float) -> torch.Tensor:
    return start.to(end).lerp(end, share) if end.is_floating_point() else end
