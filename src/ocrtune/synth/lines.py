"""The generator: line i of a seed, always the same, whoever draws it and in whatever order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ocrtune.records import Image, LineSample
from ocrtune.synth.degrade import Degradation, Range, Wear
from ocrtune.synth.fonts import Font
from ocrtune.synth.render import render_line

TextSource = Callable[[np.random.Generator], str]
"""Draws the text of one line."""


@dataclass(frozen=True, slots=True)
class LinePlan:
    """All that one line is made from: the same plan draws the same bytes."""

    text: str
    font: Font
    size: float
    """px per em."""
    word_spacing: float
    """em added to every space."""
    degradation: Degradation

    def draw(self) -> Image:
        """Draw the line: (H, W) uint8 grey."""
        return self.degradation.apply(render_line(self.text, self.font, self.size, self.word_spacing))


@dataclass(frozen=True, slots=True)
class LineGenerator:
    """Draws line i from (seed, i) alone."""

    texts: TextSource
    fonts: Sequence[Font]
    wear: Wear
    seed: int
    size: Range
    """px per em."""
    word_spacing: Range
    """em added to every space of a line."""

    def plan(self, index: int) -> LinePlan:
        """Draw the randomness of line `index`."""
        rng = np.random.default_rng((self.seed, index))
        return LinePlan(
            text=self.texts(rng),
            font=self.fonts[int(rng.integers(len(self.fonts)))],
            size=rng.uniform(*self.size),
            word_spacing=rng.uniform(*self.word_spacing),
            degradation=Degradation.draw(self.wear, rng),
        )

    def line(self, index: int) -> LineSample:
        """Draw line `index`."""
        plan = self.plan(index)
        return LineSample(plan.draw(), plan.text, id=f"{index:06d}", source=f"seed {self.seed} line {index}")
