"""Outlines become coverage at the right place, or an error where the rasteriser would cut them off."""

from __future__ import annotations

import pytest

from ocrtune.errors import InputError
from ocrtune.synth.font_search import matplotlib_font_folder
from ocrtune.synth.fonts import Font
from ocrtune.synth.raster import SIDE_LIMIT, Outline, rasterise


@pytest.fixture(scope="module")
def sans() -> Font:
    return Font.open(matplotlib_font_folder() / "DejaVuSans.ttf")


def glyph(font: Font, symbol: str) -> int:
    return int(font.shaper.get_nominal_glyph(ord(symbol)))


def test_a_bitmap_lies_where_the_outline_does(sans: Font) -> None:
    """A period of DejaVu Sans covers 0.1069 to 0.2100 em across and 0 to 0.1240 em up."""
    scale = 1000 / sans.units_per_em
    bitmap = rasterise(sans.shaper, [Outline(glyph(sans, "."), 20.0, 30.0)], (scale, scale))
    assert bitmap is not None
    assert (bitmap.left, bitmap.top) == (126, -155)
    assert bitmap.ink.shape == (125, 104)
    assert bitmap.ink[1:-1, 1:-1].min() == 255


def test_axes_scale_apart(sans: Font) -> None:
    scale = 100 / sans.units_per_em
    plain, wide = (
        rasterise(sans.shaper, [Outline(glyph(sans, "H"), 0.0, 0.0)], (x, scale)) for x in (scale, 2 * scale)
    )
    assert plain is not None
    assert wide is not None
    assert wide.ink.shape[0] == plain.ink.shape[0]
    assert abs(wide.ink.shape[1] - 2 * plain.ink.shape[1]) <= 2


def test_blanks_give_nothing(sans: Font) -> None:
    assert rasterise(sans.shaper, [Outline(glyph(sans, " "), 0.0, 0.0)], (0.01, 0.01)) is None
    assert rasterise(sans.shaper, [], (0.01, 0.01)) is None


def test_what_would_be_cut_off_is_an_input_error(sans: Font) -> None:
    outlines = [Outline(glyph(sans, "H"), x, 0.0) for x in (0.0, SIDE_LIMIT + 100.0)]
    with pytest.raises(InputError, match=f"over {SIDE_LIMIT} px high or wide"):
        rasterise(sans.shaper, outlines, (0.01, 0.01))
