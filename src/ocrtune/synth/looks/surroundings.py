"""What else is printed on the paper: rules, neighbouring lines, the back of the page showing through.

All of it is made from shapes or from the line's own ink, so that a plan needs no second text. It is never
on the label, and lies beside the ink or is much fainter.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated, Literal

import cv2
import numpy as np
import numpy.typing as npt

from ocrtune.records import Image
from ocrtune.synth.looks.effects import Effect, OneOf, Seed, Span
from ocrtune.synth.looks.placement import OUTLINE, Placement, Points

Thickness = Annotated[float, Span(0.01, 0.2)]
"""As a fraction of the line's height; at least one px is drawn."""
Darkness = Annotated[float, Span(0, 1)]
"""Share of full ink."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The line as it lies: what effects after the geometry may look at."""

    ink: Image
    """(H, W) uint8, worn and placed."""
    placement: Placement
    box: tuple[int, int, int, int]
    """Left, top, right, bottom of the ink before it was placed, px."""
    line_height: int
    """px, which lengths are fractions of."""

    def outline(self, margin_x: float, margin_y: float) -> Points:
        """(36, 2) the box widened by fractions of the line's height, and placed: from top left, clockwise."""
        left, top, right, bottom = self.box
        x, y = margin_x * self.line_height, margin_y * self.line_height
        size = np.array([right - left + 2 * x, bottom - top + 2 * y])
        return self.placement.points(np.array([left - x, top - y]) + OUTLINE * size)

    def thickness(self, fraction: float) -> int:
        """A stroke's thickness in px, at least 1."""
        return max(1, round(fraction * self.line_height))


@dataclass(frozen=True, slots=True)
class Surrounding(Effect):
    """More ink on the paper."""

    @abstractmethod
    def apply(self, ink: Image, scene: Scene) -> Image:
        """Add to the ink (H, W) printed so far."""


@dataclass(frozen=True, slots=True)
class ShowThrough(Surrounding):
    """The back of the page: mirrored, soft and faint."""

    darkness: Annotated[float, Span(0, 0.5, mild=0)]
    """Share of full ink."""
    seed: Seed

    def apply(self, ink: Image, scene: Scene) -> Image:
        """Print the mirrored line elsewhere, in full strength where the front has no ink."""
        back = cv2.GaussianBlur(
            _elsewhere(scene.ink[:, ::-1], self.seed), (0, 0), 0.03 * scene.line_height + 0.3
        )
        return np.asarray(cv2.max(ink, cv2.convertScaleAbs(back, alpha=self.darkness)), np.uint8)


@dataclass(frozen=True, slots=True)
class TextBehind(Surrounding):
    """Larger, fainter text under the line, as a watermark or a stamp."""

    darkness: Annotated[float, Span(0, 0.5, mild=0)]
    """Share of full ink."""
    scale: Annotated[float, Span(1, 4)]
    """Its size over the line's."""
    seed: Seed

    def apply(self, ink: Image, scene: Scene) -> Image:
        """Print the enlarged line behind."""
        height, width = ink.shape
        large = cv2.resize(scene.ink, None, fx=self.scale, fy=self.scale, interpolation=cv2.INTER_LINEAR)
        top, left = (round((n - m) / 2) for n, m in zip(large.shape, ink.shape, strict=True))
        behind = _elsewhere(large[top : top + height, left : left + width], self.seed)
        return np.asarray(cv2.max(ink, cv2.convertScaleAbs(behind, alpha=self.darkness)), np.uint8)


@dataclass(frozen=True, slots=True)
class NeighbourLines(Surrounding):
    """The feet of the line above, the heads of the line below: in the margin, and apart from the line."""

    peek: Annotated[float, Span(0, 0.5, mild=0)]
    """How much of them is seen, as a fraction of the line's height."""
    gap: Annotated[float, Span(0.05, 1)]
    """Paper between them and the line, likewise; where the margin is small, less is seen of them."""
    side: Annotated[Literal["above", "below", "both"], OneOf()]
    """Which of them are seen."""
    seed: Seed

    def apply(self, ink: Image, scene: Scene) -> Image:
        """Print strips of the line itself, moved along, at the image's edges."""
        _, top, _, height = cv2.boundingRect(scene.ink)
        bottom = top + height
        gap = max(1, round(self.gap * scene.line_height))
        seen = min(height, round(self.peek * scene.line_height))
        text = np.roll(scene.ink[top:bottom], self.seed % scene.ink.shape[1], axis=1)
        ink = ink.copy()
        above, below = min(seen, top - gap), min(seen, len(ink) - bottom - gap)
        if self.side != "below" and above > 0:
            ink[:above] |= text[-above:]
        if self.side != "above" and below > 0:
            ink[-below:] |= text[:below]
        return ink


@dataclass(frozen=True, slots=True)
class Underline(Surrounding):
    """A rule under the text, as long as it."""

    gap: Annotated[float, Span(0, 0.5)]
    """Between ink and rule, as a fraction of the line's height."""
    thickness: Thickness
    darkness: Darkness

    def apply(self, ink: Image, scene: Scene) -> Image:
        """Draw the rule, where the margin has room for it."""
        thickness = scene.thickness(self.thickness)
        rule = scene.outline(0, self.gap + (thickness / 2 + 1) / scene.line_height)[18:27]
        return _drawn(ink, [rule], thickness, self.darkness)


@dataclass(frozen=True, slots=True)
class TableRules(Surrounding):
    """Rules of a table or form around the text, beyond its ends."""

    gap: Annotated[float, Span(0.05, 2)]
    """Between ink and rules, as a fraction of the line's height."""
    thickness: Thickness
    darkness: Darkness
    sides: Annotated[Literal["above", "below", "rows", "left", "right", "columns", "box"], OneOf()]
    """Which rules there are: rows are above and below, columns left and right."""

    def apply(self, ink: Image, scene: Scene) -> Image:
        """Draw the rules, where the margin has room for them."""
        thickness = scene.thickness(self.thickness)
        gap = self.gap + (thickness / 2 + 1) / scene.line_height
        beyond = gap + 2  # line heights past the corner
        rows, columns = scene.outline(beyond, gap), scene.outline(gap, beyond)
        rules = {"above": rows[:9], "right": columns[9:18], "below": rows[18:27], "left": columns[27:]}
        chosen = _SIDES.get(self.sides, (self.sides,))
        return _drawn(ink, [rules[side] for side in chosen], thickness, self.darkness)


SURROUNDINGS: tuple[type[Surrounding], ...] = (
    ShowThrough,
    TextBehind,
    NeighbourLines,
    Underline,
    TableRules,
)
"""In the order in which they are printed."""

_SIDES = {
    "rows": ("above", "below"),
    "columns": ("left", "right"),
    "box": ("above", "right", "below", "left"),
}


def _elsewhere(ink: Image, seed: int) -> Image:
    """The ink, moved along and up or down around the edges."""
    height, width = ink.shape
    return np.roll(ink, (seed % max(1, height), seed // 2**12 % max(1, width)), axis=(0, 1))


def draw_lines(canvas: Image, lines: list[npt.NDArray[np.float64]], thickness: int, level: int) -> Image:
    """Draw open lines of points (N, 2) px, smoothly, into `canvas` (H, W)."""
    shift = 4  # bits of a px that OpenCV takes besides the whole
    # Coordinates far outside are cut, which OpenCV's fixed point would overflow on.
    points = [np.rint(np.clip(line, -(2**15), 2**15) * 2**shift).astype(np.int32) for line in lines]
    cv2.polylines(canvas, points, False, level, thickness, cv2.LINE_AA, shift)
    return canvas


def _drawn(ink: Image, lines: list[npt.NDArray[np.float64]], thickness: int, darkness: float) -> Image:
    rules = draw_lines(np.zeros_like(ink), lines, thickness, round(255 * darkness))
    return np.asarray(cv2.max(ink, rules), np.uint8)
