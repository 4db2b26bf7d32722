"""A text and a font to an ink mask, shaped and rasterised by HarfBuzz. No paper, no wear: `degrade.py`."""

from __future__ import annotations

import numpy as np
import uharfbuzz as hb

from ocrtune.errors import InputError
from ocrtune.records import Image
from ocrtune.synth.fonts import Font


def render_line(text: str, font: Font, size: float, word_spacing: float = 0.0) -> Image:
    """Draw `text` on one baseline, cut to its ink.

    Args:
        text: one script and direction, left to right.
        font: draws every symbol of `text`; ask `Font.undrawable` first.
        size: px per em.
        word_spacing: em added to every space, to draw a column gap.

    Returns:
        (H, W) uint8 ink coverage, 0 paper to 255 full ink; every edge row and column has ink.

    Raises:
        InputError: the font has no glyph for a symbol, or nothing of the text leaves ink.
    """
    infos, positions = font.shape(text)
    scale = size / font.units_per_em
    raster = hb.RasterDraw()
    pen_x = pen_y = 0.0  # font units
    for info, position in zip(infos, positions, strict=True):
        symbol = text[info.cluster]
        if info.codepoint == 0:
            raise InputError(f"the font {font.name} cannot draw {symbol!r} of {text!r}; use another font")
        x = (pen_x + position.x_offset) * scale
        y = (pen_y + position.y_offset) * scale
        # The transform carries the pen: glyphs accumulate in one outline, so overlaps are drawn once.
        raster.transform = (scale, 0.0, 0.0, scale, x, y)
        raster.draw_glyph(font.shaper, info.codepoint)
        pen_x += position.x_advance
        pen_y += position.y_advance
        if symbol == " ":
            pen_x += word_spacing * font.units_per_em
    image = raster.render()
    if image is None or image.extents is None or not image.extents.height:
        raise InputError(f"the font {font.name} leaves no ink for {text!r}; use another font")
    extents = image.extents
    rows = np.frombuffer(image.buffer, np.uint8).reshape(extents.height, extents.stride)
    ink = rows[::-1, : extents.width]  # HarfBuzz stores the bottom row first
    inked_rows, inked_columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    if not len(inked_rows):
        raise InputError(f"the font {font.name} leaves no ink for {text!r}; use another font")
    return ink[inked_rows[0] : inked_rows[-1] + 1, inked_columns[0] : inked_columns[-1] + 1].copy()
