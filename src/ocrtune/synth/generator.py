"""The generator: line i of a recipe is always the same, whoever draws it and in whatever order."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ocrtune.errors import InputError
from ocrtune.records import Image
from ocrtune.synth.font_choice import FontChoice
from ocrtune.synth.fonts import Font
from ocrtune.synth.labelling import labelled
from ocrtune.synth.looks.plan import Look, LookPlan
from ocrtune.synth.looks.profile import Profile
from ocrtune.synth.looks.steps import RENDER, SHAPE, Steps, finish, finish_together
from ocrtune.synth.looks.truth import Fault, true_look_steps
from ocrtune.synth.render import Boxes, LineRenderer, RenderedLine
from ocrtune.synth.shaping import label_text, shape_line
from ocrtune.synth.texts.source import TextSource

_DRAWING = threading.local()
"""Each thread's `LineRenderer`, whose glyph cache lines share."""


TOGETHER = 64
"""Lines drawn together, as long as they are up to `TOGETHER_HEIGHT` px high. 32 together take 1.03 times as
long, 128 no less; one by one they take 1.4 times what 32 together take, 8 together 1.13 times (receipts of
32 px)."""

TOGETHER_HEIGHT = 48


class LineError(InputError):
    """A line cannot be drawn: a symbol is in no font, or its text cannot be made legible."""


@dataclass(frozen=True, slots=True, eq=False)
class MadeLine:
    """A drawn line, with all that it was made from."""

    index: int
    rendered: RenderedLine
    fonts: tuple[Font, ...]
    """The first drew what it has, the next what that lacks."""
    plan: LookPlan
    look: Look
    faults: tuple[Fault, ...]
    """Why earlier, stronger looks of this line were thrown away."""
    labelled: Sequence[int]
    """Indices of the characters of the drawn text that the label has."""

    @property
    def image(self) -> Image:
        """(H, W) grey or (H, W, 3) RGB uint8."""
        return self.look.image

    @property
    def text(self) -> str:
        """The label: logical order, NFC, single spaces."""
        return _label(self.rendered.text, self.labelled)

    def character_boxes(self) -> Boxes:
        """The box of every character of the label, in logical order; of a wide gap that of its first space.

        Returns:
            (N, 4) float32: left, top, right, bottom in px of the image; may reach over its edges.
        """
        boxes = self.rendered.character_boxes().astype(np.float64)[list(self.labelled)]
        return np.asarray(self.look.boxes(boxes), np.float32)


@dataclass(frozen=True, slots=True)
class LineGenerator:
    """Draws labelled lines without end, each from (seed, index) alone. Picklable."""

    texts: TextSource
    fonts: FontChoice
    profile: Profile
    seed: int = 0
    is_vertical: bool = False
    """Characters stacked from top to bottom."""
    language: str = "und"
    """BCP 47 tag; chooses regional forms, such as `ja` or `zh-Hans` in a CJK font."""
    unlabelled: str = ""
    """Symbols that are drawn and left out of labels."""

    def text(self, index: int) -> str:
        """The label that line `index` will have.

        Raises:
            LineError: nothing is left for it.
        """
        drawn = label_text(self.texts.text(index, self._rng(index)))
        return _label(drawn, self._labelled(drawn))

    def line(self, index: int, look: int = 0) -> MadeLine:
        """Draw line `index`, from 0.

        Args:
            index: of the line, which settles its text.
            look: of its looks, from 0: font, size, spacing and wear are drawn anew for each.

        Raises:
            LineError: a symbol of its text is in no font, or it cannot be made legible.
        """
        return finish(self._steps(index, look))

    def lines(self, indices: Sequence[int]) -> Iterator[MadeLine | LineError]:
        """Draw lines as `line` does, many together, which is faster; an error where one cannot be drawn."""
        # Fewer where they are higher: each holds its pixels until all are done.
        size = max(1, int(TOGETHER * min(1, (TOGETHER_HEIGHT / self.profile.line_height[1]) ** 2)))
        for start in range(0, len(indices), size):
            yield from finish_together([self._tried(index) for index in indices[start : start + size]])

    def _tried(self, index: int) -> Steps[MadeLine | LineError]:
        try:
            return (yield from self._steps(index))
        except LineError as error:
            return error

    def _steps(self, index: int, look: int = 0) -> Steps[MadeLine]:
        rng = self._rng(index)
        text = self.texts.text(index, rng)
        if look:
            rng = np.random.default_rng((self.seed, index, look))
        fonts = self.fonts.choose(text, rng)
        if fonts is None:
            raise LineError(f"no font has every symbol of {text!r}; add a font that has them")
        # Whole pixels: the glyph cache holds few sizes.
        height = round(rng.uniform(*self.profile.line_height))
        yield SHAPE
        try:
            shaped = shape_line(
                text,
                fonts.fonts,
                letter_spacing=rng.uniform(*self.profile.letter_spacing),
                word_spacing=rng.uniform(*self.profile.word_spacing),
                is_vertical=self.is_vertical,
                language=self.language,
            )
            yield RENDER
            rendered = _renderer().draw(shaped, height / fonts.ink_height)
            true = yield from true_look_steps(self.profile, rng, rendered.ink, height)
        except InputError as error:
            raise LineError(str(error)) from error
        kept = self._labelled(rendered.text)
        return MadeLine(index, rendered, fonts.fonts, true.plan, true.look, true.faults, kept)

    def _labelled(self, drawn: str) -> Sequence[int]:
        kept = labelled(drawn, self.unlabelled)
        if not kept:
            raise LineError(f"nothing of {drawn!r} is left for a label without {self.unlabelled!r}")
        return kept

    def _rng(self, index: int) -> np.random.Generator:
        words = (self.seed, index)
        # An array: the same numbers as of a list, sooner.
        is_short = min(words) >= 0 and max(words) < 2**32
        return np.random.default_rng(np.array(words, np.uint32) if is_short else words)

    def __iter__(self) -> Iterator[tuple[Image, str]]:
        """Image and text of line 0, 1, 2 …; raises as `line` does."""
        for index in itertools.count():
            made = self.line(index)
            yield made.image, made.text


def _label(drawn: str, kept: Sequence[int]) -> str:
    return drawn if len(kept) == len(drawn) else "".join(drawn[index] for index in kept)


def _renderer() -> LineRenderer:
    if not hasattr(_DRAWING, "renderer"):
        _DRAWING.renderer = LineRenderer()
    renderer: LineRenderer = _DRAWING.renderer
    return renderer
