"""The guard: general lines that are read with every validation, and how many of them may be lost."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from ocrtune.charset import Charset
from ocrtune.data.dataset import LineDataset
from ocrtune.decoding import ClassLayout
from ocrtune.preprocess import PreprocessSpec
from ocrtune.train.validation import Validator

MAX_DROP = 0.005
"""Share of the general lines that may be lost, where nothing else is asked for: half a point."""

TOLERANCE = 1e-9
"""Of a drop: 0.995 - 0.99 is a little more than 0.005 in floating point."""


@dataclass(frozen=True, slots=True)
class GuardScore:
    """What a network reads of the general lines."""

    exact: float
    """Share of them, higher is better."""
    base: float
    """The same of the network before its first step."""
    max_drop: float

    @property
    def is_kept(self) -> bool:
        """Whether the drop is allowed."""
        return self.base - self.exact <= self.max_drop + TOLERANCE

    def summary(self) -> str:
        """`exact 95.2 % (base 95.8 %, at least 95.3 % wanted)`."""
        wanted = "" if self.is_kept else ": too low to be the best"
        return (
            f"exact {self.exact:.1%} (base {self.base:.1%}, may lose {100 * self.max_drop:g} points){wanted}"
        )


class Guard:
    """Reads the same general lines with every network.

    Args:
        lines: general ones, of symbols that the charset has.
        charset: of the networks.
        layout: of its classes.
        spec: how images become arrays.
        max_drop: share of the lines that may be read no more; `MAX_DROP` if None.
    """

    def __init__(
        self,
        lines: LineDataset,
        charset: Charset,
        layout: ClassLayout,
        spec: PreprocessSpec,
        max_drop: float | None,
    ) -> None:
        self.lines = lines
        self.max_drop = MAX_DROP if max_drop is None else max_drop
        self._validator = Validator(lines, charset, layout, spec)

    def exact(self, network: nn.Module, bf16: bool, layout: torch.memory_format) -> float:
        """The share of the lines that `network` reads exactly."""
        return self._validator.score(network, bf16, layout).metrics.exact_match

    def against(self, base: float, exact: float) -> GuardScore:
        """A score against the base's."""
        return GuardScore(exact, base, self.max_drop)
