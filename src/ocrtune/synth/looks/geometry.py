"""How the line lies before the camera: projective effects, distortions, and what the crop keeps of it.

Projective effects are multiplied into one map, so that the ink is resampled once however many there are.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import cv2
import numpy as np
import numpy.typing as npt

from ocrtune.errors import InputError
from ocrtune.records import Image
from ocrtune.synth.looks.effects import Effect, OneOf, Seed, Span
from ocrtune.synth.looks.placement import Bend, Homography, Placement, Points, Window


@dataclass(frozen=True, slots=True)
class ProjectiveEffect(Effect):
    """A matrix for a mask of a given size."""

    @abstractmethod
    def matrix(self, width: int, height: int) -> npt.NDArray[np.float64]:
        """(3, 3), on px with y downwards."""


@dataclass(frozen=True, slots=True)
class Stretch(ProjectiveEffect):
    """Wider or narrower letters."""

    ratio: Annotated[float, Span(0.5, 2, mild=1)]
    """New width over old."""

    def matrix(self, width: int, height: int) -> npt.NDArray[np.float64]:
        """Scale x."""
        return np.array([[self.ratio, 0, 0], [0, 1, 0], [0, 0, 1]])


@dataclass(frozen=True, slots=True)
class Slant(ProjectiveEffect):
    """Letters that lean."""

    shear: Annotated[float, Span(-1, 1, mild=0)]
    """px to the right per px upwards: 0.2 leans like an italic."""

    def matrix(self, width: int, height: int) -> npt.NDArray[np.float64]:
        """Shear x."""
        return np.array([[1, -self.shear, 0], [0, 1, 0], [0, 0, 1]])


@dataclass(frozen=True, slots=True)
class Skew(ProjectiveEffect):
    """A line that is turned."""

    angle: Annotated[float, Span(-45, 45, mild=0)]
    """Degrees, anticlockwise."""

    def matrix(self, width: int, height: int) -> npt.NDArray[np.float64]:
        """Rotate; y points down."""
        angle = math.radians(self.angle)
        cos, sin = math.cos(angle), math.sin(angle)
        return np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])


CornerShift = Annotated[float, Span(-0.3, 0.3, mild=0)]


@dataclass(frozen=True, slots=True)
class Perspective(ProjectiveEffect):
    """A line that is seen from the side: every corner is moved."""

    shifts: tuple[
        CornerShift, CornerShift, CornerShift, CornerShift, CornerShift, CornerShift, CornerShift, CornerShift
    ]
    """x and y of top left, top right, bottom right, bottom left, as fractions of the line's height (x of its
    width, where that is less: corners never cross)."""

    def matrix(self, width: int, height: int) -> npt.NDArray[np.float64]:
        """From the corners to the moved corners."""
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        scale = np.array([min(width, height), height], np.float32)
        moved = corners + scale * np.array(self.shifts, np.float32).reshape(4, 2)
        return np.asarray(cv2.getPerspectiveTransform(corners, moved), np.float64)


@dataclass(frozen=True, slots=True)
class Distortion(Effect):
    """A bend of the line."""

    @abstractmethod
    def bend(self, width: int, height: int) -> Bend:
        """The map for a (height, width) mask whose ink is `height` high."""


@dataclass(frozen=True, slots=True)
class Curve(Distortion):
    """Text on an arc, as around a stamp or on a bottle; letters turn with it."""

    angle: Annotated[float, Span(-120, 120, mild=0)]
    """Degrees of the circle that the line takes; above 0 its ends hang, below 0 they rise."""

    def bend(self, width: int, height: int) -> Bend:
        """Wind the line around a circle that is never tighter than 1.5 times its height."""
        # Below a quarter of a degree the circle is too large for float32 maps, and nobody sees it.
        radius = max(width / np.deg2rad(max(abs(self.angle), 0.25)), 1.5 * height)
        sign = 1 if self.angle >= 0 else -1
        middle_x, middle_y = (width - 1) / 2, (height - 1) / 2

        def wind(points: Points) -> Points:
            turn = (points[:, 0] - middle_x) / radius
            out = radius - sign * (points[:, 1] - middle_y)
            return np.column_stack((out * np.sin(turn), sign * (radius - out * np.cos(turn))))

        x = np.linspace(-1, width, 65)
        border = np.concatenate([np.column_stack((x, np.full(65, y))) for y in (-1, height)])
        placed = wind(border)
        low = np.floor(placed.min(axis=0)) - 1
        columns, rows = (np.ceil(placed.max(axis=0)) + 2 - low).astype(int)
        x_new = np.arange(columns, dtype=np.float32) + np.float32(low[0])
        y_new = sign * (np.arange(rows, dtype=np.float32) + np.float32(low[1]))
        right, up = np.broadcast_arrays(x_new, np.float32(radius) - y_new[:, np.newaxis])
        map_x = np.arctan2(right, up) * np.float32(radius) + np.float32(middle_x)
        map_y = sign * (np.float32(radius) - np.hypot(right, up)) + np.float32(middle_y)
        return Bend(lambda points: wind(points) - low, map_x, map_y)


@dataclass(frozen=True, slots=True)
class Wave(Distortion):
    """A sine: phase 0 is TRDG's sine, 0.25 its cosine."""

    amplitude: Annotated[float, Span(0, 0.5, mild=0)]
    """As a fraction of the height."""
    period: Annotated[float, Span(1, 50)]
    """In heights."""
    phase: Annotated[float, Span(0, 1)]
    """In periods."""
    direction: Annotated[Literal["vertical", "horizontal"], OneOf()]
    """Vertical: columns move up and down; horizontal: rows move to the sides."""

    def bend(self, width: int, height: int) -> Bend:
        """Shift along a sine."""
        length = width if self.direction == "vertical" else height
        turns = np.arange(length) / (self.period * height) + self.phase
        return _shifted(self.amplitude * height * np.sin(2 * np.pi * turns), self.direction, width, height)


@dataclass(frozen=True, slots=True)
class RandomDistortion(Distortion):
    """Smooth random shifts."""

    amplitude: Annotated[float, Span(0, 0.3, mild=0)]
    """Farthest shift, as a fraction of the height."""
    period: Annotated[float, Span(0.5, 20)]
    """Between independent shifts, in heights."""
    direction: Annotated[Literal["vertical", "horizontal"], OneOf()]
    """As of a wave."""
    seed: Seed

    def bend(self, width: int, height: int) -> Bend:
        """Shift along a smooth random curve."""
        length = width if self.direction == "vertical" else height
        knots = np.random.default_rng(self.seed).uniform(-1, 1, 3 + int(length / (self.period * height)))
        curve = cv2.resize(knots.astype(np.float32)[np.newaxis], (length, 1), interpolation=cv2.INTER_CUBIC)
        return _shifted(self.amplitude * height * np.clip(curve[0], -1, 1), self.direction, width, height)


def _shifted(shift: npt.NDArray[np.float64], direction: str, width: int, height: int) -> Bend:
    """Columns moved down (`shift` (W,) px), or rows moved right ((H,) px), on a canvas that holds them."""
    shift = shift - np.floor(shift.min()) + 1
    more = int(np.ceil(shift.max())) + 1
    along = 0 if direction == "vertical" else 1  # the coordinate that the shift depends on
    places = np.arange(len(shift))

    def forward(points: Points) -> Points:
        moved = points.copy()
        moved[:, 1 - along] += np.interp(points[:, along], places, shift)
        return moved

    lengthways = np.arange(len(shift), dtype=np.float32)
    across = np.arange((height if along == 0 else width) + more, dtype=np.float32)
    still, moving = np.broadcast_arrays(
        lengthways, across[:, np.newaxis] - shift.astype(np.float32)
    )  # (across, along)
    still, moving = np.ascontiguousarray(still), np.ascontiguousarray(moving)
    if along == 0:
        return Bend(forward, still, moving)
    return Bend(forward, np.ascontiguousarray(moving.T), np.ascontiguousarray(still.T))


@dataclass(frozen=True, slots=True)
class CropEffect(Effect):
    """A change of the rectangle that the image shows, which starts as the ink's own."""

    @abstractmethod
    def crop(self, window: Window, ink: Image, line_height: int) -> Window:
        """The new window onto the placed ink (H, W); `line_height` is in px."""


Margin = Annotated[float, Span(0, 5)]


@dataclass(frozen=True, slots=True)
class Margins(CropEffect):
    """Paper around the ink. Without it the crop fits the ink tightly (TRDG's --fit)."""

    sides: tuple[Margin, Margin, Margin, Margin]
    """Left, top, right, bottom, as fractions of the line's height."""

    def crop(self, window: Window, ink: Image, line_height: int) -> Window:
        """Widen."""
        left, top, right, bottom = (round(side * line_height) for side in self.sides)
        return Window(window.left - left, window.top - top, window.right + right, window.bottom + bottom)


@dataclass(frozen=True, slots=True)
class FixedWidth(CropEffect):
    """An image that is at least so wide, with the text at one side of it or in the middle."""

    width: Annotated[float, Span(1, 100)]
    """In heights of the image; a longer text is not cut."""
    alignment: Annotated[Literal["left", "centre", "right"], OneOf()]
    """Where the text stands."""

    def crop(self, window: Window, ink: Image, line_height: int) -> Window:
        """Widen to the width."""
        free = round(self.width * (window.bottom - window.top)) - (window.right - window.left)
        left = {"left": 0, "centre": max(0, free) // 2, "right": max(0, free)}[self.alignment]
        return Window(window.left - left, window.top, window.right + max(0, free) - left, window.bottom)


@dataclass(frozen=True, slots=True)
class ClippedCrop(CropEffect):
    """A crop that cuts into the ink at one side, as a detector's box that is too small.

    No more than that every separate piece of ink keeps `KEPT` of its area: a comma under the line or the
    dots of an Ä are never cut off.
    """

    depth: Annotated[float, Span(0, 0.2, mild=0)]
    """As a fraction of the line's height."""
    side: Annotated[Literal["left", "top", "right", "bottom"], OneOf()]
    """Where it cuts."""

    def crop(self, window: Window, ink: Image, line_height: int) -> Window:
        """Cut as deep as drawn, or half as deep, or not at all."""
        pieces = Pieces.of(ink)
        for depth in (self.depth, self.depth / 2):
            cut = self._cut(window, ink, round(depth * line_height))
            if pieces.kept(cut) >= KEPT:
                return cut
        return window

    def _cut(self, window: Window, ink: Image, depth: int) -> Window:
        x, y, width, height = cv2.boundingRect(ink)
        sides = {"left": window.left, "top": window.top, "right": window.right, "bottom": window.bottom}
        edges = {
            "left": x + depth,
            "top": y + depth,
            "right": x + width - depth,
            "bottom": y + height - depth,
        }
        return Window(**(sides | {self.side: edges[self.side]}))


KEPT = 0.7
"""Of the area of each piece of ink; judged by eye: with less, an "E" cut at its foot reads as "F"."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """The separate pieces of ink of a mask."""

    labels: npt.NDArray[np.uint16] | npt.NDArray[np.int32]
    """(H, W): 0 for paper, else the number of the piece."""
    areas: npt.NDArray[np.int32]
    """(N,) px of the paper, then of each piece."""

    @classmethod
    def of(cls, ink: Image) -> Pieces:
        """Find the pieces of a mask (H, W)."""
        binary = cv2.threshold(ink, 95, 255, cv2.THRESH_BINARY)[1]
        # Pieces are at least 2 px apart, so two bytes count those of 2**18 px; in half the time of four.
        kind = cv2.CV_16U if ink.size < 2**18 else cv2.CV_32S
        _, labels, measures, _ = cv2.connectedComponentsWithStats(binary, ltype=kind)
        return cls(np.asarray(labels), np.asarray(measures[:, cv2.CC_STAT_AREA], np.int32))

    def kept(self, window: Window) -> float:
        """The least share of its area that a piece keeps inside `window`; 1 for no ink."""
        top, left = max(0, window.top), max(0, window.left)
        bottom, right = max(top, window.bottom), max(left, window.right)
        within = self.labels[top:bottom]
        outside = self.labels[:top], self.labels[bottom:], within[:, :left], within[:, right:]
        cut = np.bincount(np.concatenate([part.ravel() for part in outside]), minlength=len(self.areas))
        return float(((self.areas - cut) / self.areas)[1:].min(initial=1))


PROJECTIVE_EFFECTS: tuple[type[ProjectiveEffect], ...] = (Stretch, Slant, Skew, Perspective)
DISTORTIONS: tuple[type[Distortion], ...] = (Curve, Wave, RandomDistortion)
CROP_EFFECTS: tuple[type[CropEffect], ...] = (Margins, FixedWidth, ClippedCrop)
GEOMETRY_EFFECTS: tuple[type[Effect], ...] = (*PROJECTIVE_EFFECTS, *DISTORTIONS, *CROP_EFFECTS)
"""In the order in which they happen."""


SIDE_LIMIT = 2**15
"""px of a finished image's side; JPEG can hold twice that."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Ink where the image has it."""

    placement: Placement
    ink: Image
    """(H, W) uint8, worn."""
    truth: Image
    """(H, W) uint8: the same ink before it was worn."""
    kept: float
    """Share of the truth's ink that the crop keeps."""


def place(effects: Sequence[Effect], ink: Image, truth: Image, line_height: int) -> Placed:
    """Put the ink where the effects have it.

    Args:
        effects: of this module, in order.
        ink: (H, W) uint8 mask with paper around the ink.
        truth: the same before it was worn.
        line_height: px, which margins are fractions of.

    Raises:
        InputError: the image would be over `SIDE_LIMIT`.
    """
    steps: list[Homography | Bend | Window] = []
    height, width = ink.shape
    matrices = [effect.matrix(width, height) for effect in effects if isinstance(effect, ProjectiveEffect)]
    if matrices:
        product = matrices[0]
        for matrix in matrices[1:]:
            product = matrix @ product
        homography = Homography.holding(product, width, height)
        steps.append(homography)
        ink, truth = _moved(homography, ink, truth)
    for effect in effects:
        if isinstance(effect, Distortion):
            bend = effect.bend(ink.shape[1], ink.shape[0])
            steps.append(bend)
            ink, truth = _moved(bend, ink, truth)
    inked = truth if ink is truth else np.asarray(cv2.max(ink, truth), np.uint8)
    x, y, width, height = cv2.boundingRect(inked)
    window = Window(x, y, x + width, y + height)
    for effect in effects:
        if isinstance(effect, CropEffect):
            window = effect.crop(window, inked, line_height)
    size = window.right - window.left, window.bottom - window.top
    if max(size) > SIDE_LIMIT:
        raise InputError(f"a line image of {size[0]} x {size[1]} px is too large; use smaller margins")
    cropped = window.mask(truth)
    is_whole = (
        window.left <= x and window.top <= y and x + width <= window.right and y + height <= window.bottom
    )
    if is_whole and cv2.hasNonZero(cropped):
        kept = 1.0
    else:
        kept = cv2.sumElems(cropped)[0] / max(1.0, cv2.sumElems(truth)[0])
    return Placed(Placement((*steps, window)), cropped if ink is truth else window.mask(ink), cropped, kept)


def _moved(step: Homography | Bend, ink: Image, truth: Image) -> tuple[Image, Image]:
    """Both masks moved; once where they are one, as most lines of most profiles have them."""
    moved = step.mask(truth)
    return (moved, moved) if ink is truth else (step.mask(ink), moved)
