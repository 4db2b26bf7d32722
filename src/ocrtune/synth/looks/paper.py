"""What the ink lies on and in which colours: tone, texture, picture, and what stands behind letters.

Pages are float32, grey (H, W), or planes (3, H, W) where the plan has colours.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import cv2
import numpy as np

from ocrtune.records import Image
from ocrtune.synth.looks.effects import Colour, Effect, FloatImage, OneOf, Seed, Span, level_of, rgb
from ocrtune.synth.looks.fields import window
from ocrtune.synth.looks.pictures import list_pictures, open_picture
from ocrtune.synth.looks.surroundings import Scene, Thickness, draw_lines

Level = float | FloatImage
"""Grey level, or red, green and blue (3, 1, 1)."""

Offset = Annotated[float, Span(-80, 80, mild=0)]


@dataclass(frozen=True, slots=True)
class Tone(Effect):
    """Grey levels of paper and ink. Without it: black on white."""

    paper: Annotated[float, Span(0, 255)]
    """Grey level."""
    contrast: Annotated[float, Span(1, 255, mild=255)]
    """Grey levels that full ink is darker."""

    def levels(self) -> tuple[Level, Level]:
        """Of ink and paper."""
        return max(0.0, self.paper - self.contrast), self.paper


@dataclass(frozen=True, slots=True)
class Colours(Effect):
    """Colours of ink and paper; the image becomes RGB."""

    pairs: Annotated[tuple[Colour, Colour], OneOf()]
    """Ink and paper."""
    spread: tuple[Offset, Offset, Offset, Offset, Offset, Offset]
    """Levels added to red, green and blue of the ink, then of the paper."""
    brightness: Annotated[float, Span(0.2, 1.3, mild=1)]
    """Of the light: factor on both."""

    def levels(self) -> tuple[Level, Level]:
        """Of ink and paper, (3, 1, 1) each."""
        spread = np.array(self.spread, np.float32).reshape(2, 3, 1, 1)
        ink, paper = (rgb(colour) + shift for colour, shift in zip(self.pairs, spread, strict=True))
        light = np.float32(self.brightness)
        return light * np.clip(ink, 0, 255), light * np.clip(paper, 0, 255)


@dataclass(frozen=True, slots=True)
class Backing(Effect):
    """Changes the page before the ink comes on it."""

    @abstractmethod
    def apply(self, page: FloatImage, scene: Scene, ink_level: Level) -> FloatImage:
        """Change the page."""


@dataclass(frozen=True, slots=True)
class Picture(Backing):
    """A piece of a picture instead of plain paper; grey unless the plan has colours."""

    pictures: Annotated[str, OneOf(expand=list_pictures)]
    """Files, or folders of them."""
    seed: Seed

    def apply(self, page: FloatImage, scene: Scene, ink_level: Level) -> FloatImage:
        """Cut a piece; a picture that is too small is enlarged."""
        height, width = page.shape[-2:]
        picture = open_picture(self.pictures)
        scale = max(height / picture.shape[0], width / picture.shape[1], 1)
        # Rounding may make the piece a px larger than the picture it is cut from.
        tall = min(picture.shape[0], int(np.ceil(height / scale)))
        wide = min(picture.shape[1], int(np.ceil(width / scale)))
        top = self.seed % (picture.shape[0] - tall + 1)
        left = self.seed // 2**12 % (picture.shape[1] - wide + 1)
        piece = picture[top : top + tall, left : left + wide]
        if page.ndim == 2:
            piece = np.asarray(cv2.cvtColor(piece, cv2.COLOR_RGB2GRAY), np.uint8)
        ground = np.asarray(cv2.resize(piece, (width, height)), np.float32)
        return ground if page.ndim == 2 else ground.transpose(2, 0, 1)


@dataclass(frozen=True, slots=True)
class Texture(Backing):
    """The paper's or metal's own pattern."""

    kind: Annotated[Literal["noise", "cloud", "grain", "fibre", "brushed", "wood", "quasicrystal"], OneOf()]
    """Which pattern."""
    amplitude: Annotated[float, Span(0, 40, mild=0)]
    """Standard deviation, grey levels."""
    seed: Seed

    def apply(self, page: FloatImage, scene: Scene, ink_level: Level) -> FloatImage:
        """Add the pattern."""
        height, width = scene.ink.shape
        pattern = np.float32(self.amplitude) * window(self.kind, height, width, self.seed)
        return page + pattern if page.ndim == 3 else np.add(page, pattern, out=pattern)


@dataclass(frozen=True, slots=True)
class Panel(Backing):
    """A plate or label that ends within the image, with a border line inside its edge."""

    margin_x: Annotated[float, Span(0.05, 2)]
    """Plate left and right of the ink, as a fraction of the line's height."""
    margin_y: Annotated[float, Span(0.05, 2)]
    """Plate above and below, likewise."""
    border: Thickness
    border_darkness: Annotated[float, Span(0, 1)]
    """Share of the ink's colour in the border line; 0 for none."""
    beyond: Annotated[Colour, OneOf()]
    """Of what is seen past the plate's edge."""
    seed: Seed

    def apply(self, page: FloatImage, scene: Scene, ink_level: Level) -> FloatImage:
        """Lay the plate on what is beyond it."""
        height, width = scene.ink.shape
        plate = np.zeros((height, width), np.uint8)
        edge = scene.outline(self.margin_x, self.margin_y)
        corners = np.rint(np.clip(edge, -(2**15), 2**15) * 16).astype(np.int32)
        cv2.fillPoly(plate, [corners], 255, cv2.LINE_AA, 4)
        line = np.zeros_like(plate)
        inset = 1.5 * self.border  # plate between the border line and the plate's edge
        inner = scene.outline(self.margin_x - inset, self.margin_y - inset)
        draw_lines(line, [np.vstack((inner, inner[:1]))], scene.thickness(self.border), 255)
        cloud = np.float32(20) * window("cloud", height, width, self.seed)
        page = mixed(level_of(self.beyond, page) + cloud, page, plate)
        return mixed(page, ink_level, line, self.border_darkness)


@dataclass(frozen=True, slots=True)
class Shadow(Backing):
    """A soft shadow that raised letters throw."""

    shift: tuple[Annotated[float, Span(-0.2, 0.2)], Annotated[float, Span(-0.2, 0.2)]]
    """Right and down, as fractions of the line's height."""
    softness: Annotated[float, Span(0, 0.2)]
    """Standard deviation of its edge, likewise."""
    darkness: Annotated[float, Span(0, 0.8, mild=0)]
    """Share of light that it takes."""

    def apply(self, page: FloatImage, scene: Scene, ink_level: Level) -> FloatImage:
        """Darken."""
        moved = _moved(scene.ink, self.shift[0] * scene.line_height, self.shift[1] * scene.line_height)
        soft = cv2.GaussianBlur(moved, (0, 0), max(0.3, self.softness * scene.line_height))
        return mixed(page, 0.0, np.asarray(soft, np.uint8), self.darkness)


@dataclass(frozen=True, slots=True)
class Extrusion(Backing):
    """Letters with a side: cut from a thick sheet, seen from an angle."""

    depth: Annotated[float, Span(0, 0.2, mild=0)]
    """As a fraction of the line's height."""
    angle: Annotated[float, Span(0, 360)]
    """Degrees clockwise from the right, to where the sides go."""
    darkness: Annotated[float, Span(0, 1)]
    """Share of the ink's colour in the sides."""

    def apply(self, page: FloatImage, scene: Scene, ink_level: Level) -> FloatImage:
        """Draw the sides."""
        reach, angle = self.depth * scene.line_height, np.deg2rad(self.angle)
        sides = scene.ink
        for step in range(1, int(np.ceil(reach)) + 1):
            length = min(step, reach)
            sides = cv2.max(sides, _moved(scene.ink, length * np.cos(angle), length * np.sin(angle)))
        return mixed(page, ink_level, np.asarray(sides, np.uint8), self.darkness)


@dataclass(frozen=True, slots=True)
class Emboss(Backing):
    """Stamped letters: lit at one edge, in shade at the other."""

    strength: Annotated[float, Span(0, 100, mild=0)]
    """Grey levels between lit and plain metal."""
    width: Annotated[float, Span(0.01, 0.1)]
    """Of the edges, as a fraction of the line's height."""

    def apply(self, page: FloatImage, scene: Scene, ink_level: Level) -> FloatImage:
        """Light from above left."""
        reach = max(1.0, self.width * scene.line_height)
        lit = _moved(scene.ink, -reach, -reach).astype(np.float32)
        relief = (lit - _moved(scene.ink, reach, reach)) * np.float32(self.strength / 255)
        return np.asarray(page + relief, np.float32)


@dataclass(frozen=True, slots=True)
class Outline(Backing):
    """Letters with a rim of another colour (TRDG's stroke)."""

    width: Annotated[float, Span(0, 0.15, mild=0)]
    """As a fraction of the line's height."""
    colours: Annotated[Colour, OneOf()]
    """Of the rim; its grey level unless the plan has colours."""

    def apply(self, page: FloatImage, scene: Scene, ink_level: Level) -> FloatImage:
        """Draw the rim."""
        size = 2 * max(1, round(self.width * scene.line_height)) + 1
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
        return mixed(page, level_of(self.colours, page), np.asarray(cv2.dilate(scene.ink, disc), np.uint8))


BACKINGS: tuple[type[Backing], ...] = (Picture, Texture, Panel, Shadow, Extrusion, Emboss, Outline)
PAPER_EFFECTS: tuple[type[Effect], ...] = (Tone, Colours, *BACKINGS)
"""In the order in which they happen."""

_COVERAGES = np.arange(256, dtype=np.uint8)[np.newaxis]

BLACK_ON_WHITE = Tone(paper=255, contrast=255)


def paint(effects: Sequence[Effect], ink: Image, scene: Scene) -> FloatImage:
    """Lay ink (H, W) uint8 on the paper that the effects make: a page."""
    tones = [effect for effect in effects if isinstance(effect, Tone | Colours)]
    ink_level, paper = (tones or [BLACK_ON_WHITE])[-1].levels()  # colours, where both are drawn
    backings = [effect for effect in effects if isinstance(effect, Backing)]
    if not backings:  # each coverage has one level: a table of them is all that is mixed
        table = mixed(paper, ink_level, _COVERAGES)
        if table.ndim == 2:
            return np.asarray(cv2.LUT(ink, table), np.float32)
        return np.asarray([cv2.LUT(ink, plane) for plane in table], np.float32)
    page = np.empty((*np.shape(paper)[:1], *ink.shape), np.float32)
    page[:] = paper
    for backing in backings:
        page = backing.apply(page, scene, ink_level)
    return mixed(page, ink_level, ink)


def mixed(page: Level, level: Level, cover: Image, share: float = 1) -> FloatImage:
    """The page with `level` (or another page) where `cover` (H, W) is 255, in between where it is less."""
    shares = cover.astype(np.float32)
    shares *= np.float32(share / 255)
    change = np.asarray(level - page, np.float32)
    is_page = change.shape[-2:] == cover.shape  # then no more memory is taken than that of the result
    change = np.multiply(change, shares, out=change if is_page else None)
    change += page
    return change


def _moved(ink: Image, right: float, down: float) -> Image:
    matrix = np.array([[1, 0, right], [0, 1, down]])
    return np.asarray(cv2.warpAffine(ink, matrix, ink.shape[::-1]), np.uint8)
