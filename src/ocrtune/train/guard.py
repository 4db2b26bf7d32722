"""The guard: general lines that are read with every validation, and how many of them may be lost."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ocrtune.charset import Charset
from ocrtune.data.dataset import LineDataset
from ocrtune.decoding import ClassLayout
from ocrtune.evaluate.metrics import comparable
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
    chance: float
    """Standard error of the difference: any change of weights breaks some lines and mends others."""
    max_drop: float

    @classmethod
    def of(cls, base: NDArray[np.bool_], now: NDArray[np.bool_], max_drop: float) -> GuardScore:
        """From what each line was read as, exactly or not: before the first step, and now.

        The broken and the mended lines differ by their number's root by chance alone (McNemar 1947).
        """
        chance = math.sqrt(np.count_nonzero(base != now)) / len(base)
        return cls(float(now.mean()), float(base.mean()), chance, max_drop)

    @property
    def is_kept(self) -> bool:
        """Whether the drop is allowed: what chance alone explains is not held against a network."""
        return self.base - self.exact <= self.max_drop + self.chance + TOLERANCE

    def summary(self) -> str:
        """`exact 95.2 % (base 95.8 %, may lose 0.5 points and 0.9 by chance)`."""
        refused = "" if self.is_kept else ": too low to be the best"
        allowed = f"may lose {100 * self.max_drop:g} points and {100 * self.chance:.1f} by chance"
        return f"exact {self.exact:.1%} (base {self.base:.1%}, {allowed}){refused}"


class Guard:
    """Reads the same general lines with every network.

    Args:
        lines: general ones, of symbols that the charset has.
        charset: of the networks.
        layout: of its classes.
        spec: how images become arrays.
        max_drop: share of the lines that may be read no more; `MAX_DROP` if None.
        start: the network before its first step.
        bf16: whether networks read in that precision.
        memory: layout of images in memory.
    """

    def __init__(
        self,
        lines: LineDataset,
        charset: Charset,
        layout: ClassLayout,
        spec: PreprocessSpec,
        max_drop: float | None,
        start: nn.Module,
        bf16: bool,
        memory: torch.memory_format,
    ) -> None:
        self.lines = lines
        self.max_drop = MAX_DROP if max_drop is None else max_drop
        self._validator = Validator(lines, charset, layout, spec)
        self._reading = (bf16, memory)
        self._base = self._exact(start)

    def unchanged(self) -> GuardScore:
        """What the start reads, against itself."""
        return GuardScore.of(self._base, self._base, self.max_drop)

    def score(self, network: nn.Module) -> GuardScore:
        """What `network` reads, against the start."""
        return GuardScore.of(self._base, self._exact(network), self.max_drop)

    def _exact(self, network: nn.Module) -> NDArray[np.bool_]:
        """For each line whether `network` reads it exactly."""
        read = self._validator.score(network, *self._reading).predictions
        return np.array(
            [
                comparable(entry.text) == comparable(prediction.text)
                for entry, prediction in zip(self.lines.entries, read, strict=True)
            ]
        )
