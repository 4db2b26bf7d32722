"""Shaped lines to ink masks, composed from cached glyphs. No paper, no wear: `looks/`."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ocrtune.errors import InputError
from ocrtune.records import Image
from ocrtune.synth.characters import is_ignorable
from ocrtune.synth.fonts import Font
from ocrtune.synth.raster import Bitmap, Outline, rasterise
from ocrtune.synth.shaping import ShapedLine

Boxes = npt.NDArray[np.float32]
"""(N, 4) left, top, right, bottom in px, from the image's top left corner."""

_Box = tuple[float, float, float, float]

_Inked = tuple[Image, int, int, int, int]
"""Ink, and its left, top, right and bottom from the origin in px."""

_Placed = tuple[Image, int, int, int, int, int]
"""The same, and the cluster that it draws."""

_Glyphs = dict[tuple[int, int, int], _Inked | None]
"""Glyph and its phases along x and y to its ink, None where it has none."""

CANVAS_LIMIT = 2**25
"""px of one line: 32 MiB, a thousand times a usual one."""

GLYPH_LIMIT = 24
"""em; the widest glyph measured, U+FDFD of Amiri, takes 11.5. Broken fonts have glyphs of hundreds."""

CACHE_LIMIT = 64 * 2**20
"""Bytes of glyphs kept by one renderer: about 350 pairs of a font and a size, for Latin letters at 27 px."""

ENTRY_BYTES = 450
"""What a cached glyph takes beside its pixels, by the growth of resident memory over 100,000 glyphs."""

PHASES = 4
"""Sub-pixel positions of a glyph along each axis: it stands within an eighth of a px of its place."""


@dataclass(frozen=True, slots=True)
class RenderedLine:
    """A drawn line."""

    ink: Image
    """(H, W) uint8 ink coverage, 0 paper to 255 full ink, cut to the ink."""
    baseline: int
    """Row that the letters stand on: ink of a plain line ends just above it. May lie outside the image.

    In a vertical line the row of the origin, from which the first character hangs.
    """
    shaped: ShapedLine
    size: float
    """px per em."""
    left: int
    """Column of the line's origin."""

    @property
    def text(self) -> str:
        """The label: logical order, NFC."""
        return self.shaped.text

    def character_boxes(self) -> Boxes:
        """The box of every character of `text`, in logical order.

        Characters that share a cluster (ligatures, letters with marks, conjuncts) share its box, which is
        that of its ink; blanks have their advance as one side and no extent across.

        Returns:
            (N, 4) float32: left, top, right, bottom in px.
        """
        inked: dict[int, list[_Box]] = {}
        blank: dict[int, list[_Box]] = {}
        for run in self.shaped.runs:
            unit = self.size / run.font.units_per_em
            for glyph, cluster, x_em, y_em, advance in zip(
                run.glyphs, run.clusters, run.x, run.y, run.advances, strict=True
            ):
                x, y = self.left + x_em * self.size, self.baseline - y_em * self.size
                extents = run.font.shaper.get_glyph_extents(glyph)
                if extents is not None and extents.width and extents.height:
                    left, top = x + extents.x_bearing * unit, y - extents.y_bearing * unit
                    box = (left, top, left + extents.width * unit, top - extents.height * unit)
                    inked.setdefault(cluster, []).append(box)
                elif self.shaped.is_vertical:
                    blank.setdefault(cluster, []).append((x, y, x, y + advance * self.size))
                else:
                    blank.setdefault(cluster, []).append((x, y, x + advance * self.size, y))
        boxes = blank | inked
        rows = np.zeros((len(self.text), 4), np.float32)
        starts = sorted(boxes)
        for start, end in zip(starts, (*starts[1:], len(self.text)), strict=True):
            parts = np.array(boxes[start])  # (glyphs, 4)
            rows[start:end, :2], rows[start:end, 2:] = parts[:, :2].min(axis=0), parts[:, 2:].max(axis=0)
        return rows


class LineRenderer:
    """Draws lines from cached glyphs. What it draws does not depend on what it drew before.

    One per process: not for use by several threads at once.
    """

    def __init__(self, cache_limit: int = CACHE_LIMIT) -> None:
        self._limit = cache_limit
        self._bytes = 0
        self._glyphs: OrderedDict[tuple[Font, float], _Glyphs] = OrderedDict()

    @property
    def cached_bytes(self) -> int:
        """What the kept glyphs take."""
        return self._bytes

    def draw(self, shaped: ShapedLine, size: float) -> RenderedLine:
        """Draw a shaped line.

        Args:
            shaped: what `shaping.shape_line` gives.
            size: px per em. Draw from a few sizes: each has its own glyphs in the cache, and filling
                them takes longer than composing lines.

        Raises:
            InputError: a character leaves no ink, or the line takes over `CANVAS_LIMIT` px.
        """
        placed = self._place(shaped, size)
        _, lefts, tops, rights, bottoms, _ = zip(*placed, strict=True)
        left, top = min(lefts), min(tops)
        width, height = max(rights) - left, max(bottoms) - top
        if width * height > CANVAS_LIMIT:
            raise InputError(f"a line of {width} x {height} px is too large; use a smaller size")
        canvas = np.zeros((height, width), np.uint8)
        edge = left
        for ink, x0, y0, x1, y1, _ in placed:
            if x0 >= edge:  # right of all others, as most are: a copy takes half the time
                canvas[y0 - top : y1 - top, x0 - left : x1 - left] = ink
            else:
                # Saturating: where letters join, the coverages of the two sides of a seam add up to full ink.
                part = canvas[y0 - top : y1 - top, x0 - left : x1 - left]
                cv2.add(part, ink, part)
            if x1 > edge:
                edge = x1
        self._evict()
        return RenderedLine(canvas, -top, shaped, size, -left)

    def _place(self, shaped: ShapedLine, size: float) -> list[_Placed]:
        """The bitmaps of a line where they belong; raises if a character has none."""
        placed: list[_Placed] = []
        blank: dict[int, Font] = {}
        steps = PHASES * size
        for run in shaped.runs:
            glyphs = self._glyphs_of(run.font, size)
            for glyph, cluster, x, y in zip(run.glyphs, run.clusters, run.x, run.y, strict=True):
                column, row = round(x * steps), -round(y * steps)
                key = (glyph, column % PHASES, row % PHASES)
                try:
                    inked = glyphs[key]
                except KeyError:
                    inked = glyphs[key] = self._draw_glyph(run.font, size, *key)
                if inked is None:
                    if not shaped.text[cluster].isspace():
                        blank[cluster] = run.font
                    continue
                ink, left, top, right, bottom = inked
                column //= PHASES
                row //= PHASES
                placed.append((ink, left + column, top + row, right + column, bottom + row, cluster))
        for cluster in sorted(blank.keys() - {part[-1] for part in placed}) if blank else ():
            if not is_ignorable(symbol := shaped.text[cluster]):
                name = blank[cluster].name
                raise InputError(
                    f"the font {name} leaves no ink for {symbol!r} of {shaped.text!r}; use another"
                )
        if not placed:
            raise InputError(f"nothing of {shaped.text!r} leaves ink; use another text or font")
        return placed

    def _glyphs_of(self, font: Font, size: float) -> _Glyphs:
        key = (font, size)
        glyphs = self._glyphs.setdefault(key, {})
        self._glyphs.move_to_end(key)
        return glyphs

    def _draw_glyph(self, font: Font, size: float, glyph: int, x: int, y: int) -> _Inked | None:
        scale = size / font.units_per_em
        outline = Outline(glyph, x / PHASES, -y / PHASES)
        inked = _cut_to_ink(rasterise(font.shaper, [outline], (scale, scale)))
        if inked is not None and max(inked[0].shape) > GLYPH_LIMIT * size + 2:
            raise InputError(f"the font {font.name} has a glyph of over {GLYPH_LIMIT} em; use another font")
        self._bytes += _cached_bytes(inked)
        return inked

    def _evict(self) -> None:
        """Forget the font and size used longest ago, until the cache is within its limit."""
        while self._bytes > self._limit and self._glyphs:
            _, glyphs = self._glyphs.popitem(last=False)
            self._bytes -= sum(map(_cached_bytes, glyphs.values()))


def _cached_bytes(inked: _Inked | None) -> int:
    return ENTRY_BYTES + (0 if inked is None else inked[0].size)


def _cut_to_ink(bitmap: Bitmap | None) -> _Inked | None:
    """Without empty rows and columns around; None if nothing is left."""
    if bitmap is None:
        return None
    ink = np.ascontiguousarray(bitmap.ink)
    x, y, width, height = cv2.boundingRect(ink)
    if not width:
        return None
    left, top = bitmap.left + x, bitmap.top + y
    return ink[y : y + height, x : x + width].copy(), left, top, left + width, top + height
