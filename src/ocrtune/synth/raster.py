"""Outlines of glyphs to ink coverage, by HarfBuzz's rasteriser. Where glyphs go is decided elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import uharfbuzz as hb

from ocrtune.errors import InputError
from ocrtune.records import Image

SIDE_LIMIT = 4096
"""px. HarfBuzz cuts off, without a word, what lies farther from the image's first row and column."""


class Bitmap(NamedTuple):
    """Ink coverage, and where it lies."""

    ink: Image
    """(H, W) uint8, 0 paper to 255 full ink."""
    left: int
    """Column of the first pixel, from the origin."""
    top: int
    """Row of the first pixel, from the baseline; negative above it."""


class Outline(NamedTuple):
    """A glyph in font units and the place of its origin in px, x to the right and y up."""

    glyph: int
    x: float
    y: float


def rasterise(shaper: hb.Font, outlines: Iterable[Outline], scale: tuple[float, float]) -> Bitmap | None:
    """Fill outlines as one, so that where they overlap ink is counted once.

    Args:
        shaper: a font whose scale is its units per em.
        outlines: what to fill.
        scale: px per font unit, along x and y.

    Returns:
        The filled outlines, with at most a few empty rows and columns around; None if there is no ink.

    Raises:
        InputError: `SIDE_LIMIT` px or more in height or width.
    """
    raster = hb.RasterDraw()
    for glyph, x, y in outlines:
        raster.transform = (scale[0], 0.0, 0.0, scale[1], x, y)
        raster.draw_glyph(shaper, glyph)
    image = raster.render()
    extents = image.extents if image is not None else None
    if extents is None or not extents.height or not extents.width:
        return None
    if max(extents.height, extents.width) >= SIDE_LIMIT:
        raise InputError(
            f"a drawing is over {SIDE_LIMIT} px high or wide; use a shorter text or a smaller size"
        )
    rows = np.frombuffer(image.buffer, np.uint8).reshape(extents.height, extents.stride)
    ink = rows[::-1, : extents.width]  # HarfBuzz stores the bottom row first
    return Bitmap(ink, extents.x_origin, -(extents.y_origin + extents.height))
