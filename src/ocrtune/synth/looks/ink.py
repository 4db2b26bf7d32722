"""What happens to the ink itself: how a print head, ribbon or press lays it, and how it wears.

Every effect takes an ink mask (H, W) uint8, 0 paper to 255 full ink, with paper around the ink for it to
spread into, and gives one of the same size.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated

import cv2
import numpy as np

from ocrtune.records import Image
from ocrtune.synth.looks.effects import Effect, FloatImage, Seed, Span, to_bytes
from ocrtune.synth.looks.fields import FieldKind, window

ROOM = 0.15
"""Paper around the ink that effects may spread into, as a fraction of the line's height."""


@dataclass(frozen=True, slots=True)
class InkEffect(Effect):
    """Ink mask to ink mask."""

    @abstractmethod
    def apply(self, ink: Image, line_height: int) -> Image:
        """Wear an ink mask (H, W); `line_height` is in px."""


@dataclass(frozen=True, slots=True)
class StrokeWidth(InkEffect):
    """Strokes made evenly thicker or thinner."""

    change: Annotated[float, Span(-0.04, 0.08, mild=0)]
    """Added on each side of a stroke, as a fraction of the line's height."""

    def apply(self, ink: Image, line_height: int) -> Image:
        """Thicken or thin."""
        return _spread(ink, self.change * line_height)


@dataclass(frozen=True, slots=True)
class InkSpread(InkEffect):
    """Ink that soaks into the paper: more in some places, with soft edges."""

    radius: Annotated[float, Span(0, 0.08, mild=0)]
    """Where it spreads most, as a fraction of the line's height."""
    seed: Seed

    def apply(self, ink: Image, line_height: int) -> Image:
        """Spread."""
        reach = self.radius * line_height
        levels = ink.astype(np.float32)
        change = cv2.GaussianBlur(_spread(ink, reach), (3, 3), 0).astype(np.float32)
        change -= levels
        change *= window("patches", ink.shape[0], ink.shape[1], self.seed)
        change += levels
        return to_bytes(change)


@dataclass(frozen=True, slots=True)
class LowInk(InkEffect):
    """Ink that fades in soft patches and drops out in specks."""

    fade: Annotated[float, Span(0, 1, mild=0)]
    """Share of ink lost where it is faintest."""
    dropout: Annotated[float, Span(0, 0.6, mild=0)]
    """Share of specks without ink."""
    seed: Seed

    def apply(self, ink: Image, line_height: int) -> Image:
        """Fade."""
        kept = np.float32(-self.fade) * window("patches", ink.shape[0], ink.shape[1], self.seed)
        kept += 1
        if self.dropout:
            kept *= _above("specks", self.dropout, ink, self.seed)
        return _weakened(ink, kept)


@dataclass(frozen=True, slots=True)
class BrokenStrokes(InkEffect):
    """Gaps about as wide as a stroke, where ink did not reach the paper."""

    share: Annotated[float, Span(0, 0.5, mild=0)]
    """Of the ink that is missing."""
    seed: Seed

    def apply(self, ink: Image, line_height: int) -> Image:
        """Break."""
        return _weakened(ink, _above("blotches", self.share, ink, self.seed))


@dataclass(frozen=True, slots=True)
class RoughEdges(InkEffect):
    """Edges that follow the fibres of the paper, as letterpress and ribbons leave them."""

    roughness: Annotated[float, Span(0, 0.6, mild=0)]
    """Standard deviation of the edge's place, px."""
    seed: Seed

    def apply(self, ink: Image, line_height: int) -> Image:
        """Roughen."""
        soft = cv2.GaussianBlur(ink, (5, 5), 0.8).astype(np.float32)
        edge = 255 - soft
        edge *= soft
        edge *= np.float32(4 / 255**2)  # 1 on the edge, 0 on paper and inside strokes
        # An edge so blurred falls by 255 / (0.8 sqrt(2 pi)) = 127 levels per px.
        grain = window("grain", ink.shape[0], ink.shape[1], self.seed)
        moved = np.float32(127 * self.roughness) * grain
        moved *= edge
        moved += soft
        moved -= 127
        moved *= np.float32(2.5)
        moved += 127
        return to_bytes(moved)


@dataclass(frozen=True, slots=True)
class DotMatrix(InkEffect):
    """Needles that print dots on a grid."""

    rows: Annotated[int, Span(7, 24, mild=24)]
    """Dots in the line's height; 9 needles print 7 or 9, 24 needles up to 24."""
    dot: Annotated[float, Span(0.7, 1.6, mild=1.4)]
    """Diameter, as a fraction of the distance between dots."""

    def apply(self, ink: Image, line_height: int) -> Image:
        """Print with dots."""
        height, width = ink.shape
        pitch = line_height / self.rows  # px
        if pitch < 2:  # dots finer than the image shows
            return ink
        grid = max(1, round(width / pitch)), max(1, round(height / pitch))
        # A needle strikes where about a third of its cell has ink.
        struck = to_bytes((cv2.resize(ink, grid, interpolation=cv2.INTER_AREA).astype(np.float32) - 60) * 4)
        y, x = (
            np.abs((np.arange(n) + 0.5) * m / n % 1 - 0.5) for n, m in ((height, grid[1]), (width, grid[0]))
        )
        distance = np.sqrt(np.add.outer(np.square(y), np.square(x)), dtype=np.float32)  # in pitches
        stencil = np.clip((np.float32(self.dot / 2) - distance) * np.float32(pitch) + np.float32(0.5), 0, 1)
        return _weakened(cv2.resize(struck, (width, height), interpolation=cv2.INTER_NEAREST), stencil)


@dataclass(frozen=True, slots=True)
class ThermalHead(InkEffect):
    """A worn thermal head: columns that no longer heat, and rows that the paper skipped past."""

    dead_columns: Annotated[float, Span(0, 1, mild=0)]
    """Per stretch as wide as the line is high."""
    depth: Annotated[float, Span(0, 1, mild=0)]
    """Share of ink that a dead column loses."""
    banding: Annotated[float, Span(0, 0.8, mild=0)]
    """Share of ink that every third or so row loses."""
    seed: Seed

    def apply(self, ink: Image, line_height: int) -> Image:
        """Print with the worn head."""
        height, width = ink.shape
        rng = np.random.default_rng(self.seed)
        columns = np.ones(width, np.float32)
        count = int(self.dead_columns * width / line_height + rng.random())
        columns[rng.integers(0, width, count)] = 1 - self.depth
        period, phase = rng.uniform(2.5, 4), rng.uniform(0, 2 * np.pi)
        wave = np.cos(np.arange(height) * (2 * np.pi / period) + phase).astype(np.float32)
        rows = 1 - np.float32(self.banding / 2) * (1 + wave)
        return _weakened(ink, np.multiply.outer(rows, columns))


@dataclass(frozen=True, slots=True)
class TypewriterStrike(InkEffect):
    """Types that strike unevenly: letters lighter or darker, heavier at one side, and off the line.

    A letter is a run of columns with ink.
    """

    unevenness: Annotated[float, Span(0, 0.9, mild=0)]
    """Share of ink that the lightest letter loses."""
    tilt: Annotated[float, Span(0, 1, mild=0)]
    """Share of ink lost at the lighter of top and bottom."""
    jitter: Annotated[float, Span(0, 0.06, mild=0)]
    """Farthest that a letter stands off the line, as a fraction of the line's height."""
    seed: Seed

    def apply(self, ink: Image, line_height: int) -> Image:
        """Strike letter by letter."""
        height, width = ink.shape
        inked = cv2.reduce(ink, 0, cv2.REDUCE_MAX)[0] > 0  # (W,)
        letters = np.cumsum(inked[1:] & ~inked[:-1], dtype=np.intp)
        letters = np.concatenate(([0], letters))  # (W,) letter of each column
        weight, lean, off = np.random.default_rng(self.seed).random((3, letters[-1] + 1), np.float32)
        y = np.arange(height, dtype=np.float32)[:, np.newaxis]
        lean = self.tilt * (2 * lean - 1)
        level = 1 - self.unevenness * weight - np.abs(lean) / 2
        kept = level[letters] + lean[letters] * (y / height - 0.5)
        shift = self.jitter * line_height * (2 * off - 1)
        columns = np.broadcast_to(np.arange(width, dtype=np.float32), ink.shape)
        moved = cv2.remap(ink, np.ascontiguousarray(columns), y - shift[letters], cv2.INTER_LINEAR)
        return _weakened(moved, np.maximum(kept, 0))


INK_EFFECTS: tuple[type[InkEffect], ...] = (
    StrokeWidth,
    InkSpread,
    TypewriterStrike,
    DotMatrix,
    RoughEdges,
    ThermalHead,
    BrokenStrokes,
    LowInk,
)
"""In the order in which they happen."""


def _weakened(ink: Image, kept: FloatImage) -> Image:
    """The ink times a share (H, W) from 0 on."""
    levels = ink.astype(np.float32)
    levels *= kept
    return np.asarray(cv2.convertScaleAbs(levels), np.uint8)


def _above(kind: FieldKind, share: float, ink: Image, seed: int) -> FloatImage:
    """0 on `share` of the area and 1 elsewhere, with an edge that is not jagged."""
    height, width = ink.shape
    field = window(kind, height, width, seed)
    kept = field * np.float32(12)
    kept += np.float32(0.5 - 12 * share)
    cv2.threshold(kept, 0, 0, cv2.THRESH_TOZERO, kept)
    cv2.threshold(kept, 1, 0, cv2.THRESH_TRUNC, kept)  # together a clip, at a third of the time
    return kept


def _spread(ink: Image, distance: float) -> Image:
    """Dilate (or erode, below 0) by a distance in px that need not be whole."""
    move = cv2.dilate if distance > 0 else cv2.erode
    whole, part = divmod(abs(distance), 1)
    for _ in range(int(whole)):
        ink = move(ink, _DISC)
    if part < 0.05:
        return ink
    return np.asarray(cv2.addWeighted(ink, 1 - part, move(ink, _DISC), part, 0), np.uint8)


_DISC = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
