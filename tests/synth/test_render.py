"""The ink mask holds the whole text, right side up, cut to the ink."""

from __future__ import annotations

import numpy as np
import pytest

from ocrtune.errors import InputError
from ocrtune.synth.fonts import Font, matplotlib_font_folder
from ocrtune.synth.render import render_line


@pytest.fixture(scope="module")
def sans() -> Font:
    return Font.open(matplotlib_font_folder() / "DejaVuSans.ttf")


def test_size_is_px_per_em(sans: Font) -> None:
    # A capital H of DejaVu Sans is 0.729 em high.
    assert render_line("H", sans, 100).shape[0] == 73
    assert render_line("H", sans, 200).shape[0] == 146


def test_mask_is_upright_and_tight(sans: Font) -> None:
    ink = render_line("L", sans, 100)
    assert (ink == 255).any()
    assert ink.dtype == np.uint8
    assert ink[-1].astype(int).sum() > 3 * ink[0].astype(int).sum()  # the foot of the L is below
    assert ink[:, 0].astype(int).sum() > 3 * ink[:, -1].astype(int).sum()  # and its stem to the left
    for edge in (ink[0], ink[-1], ink[:, 0], ink[:, -1]):
        assert edge.any()


def test_kerning_is_applied(sans: Font) -> None:
    """Set glyph by glyph, AV would be as wide as A and V; shaping pulls them together."""
    apart = render_line("A", sans, 200).shape[1] + render_line("V", sans, 200).shape[1]
    assert render_line("AV", sans, 200).shape[1] < apart


def test_overlapping_glyphs_are_drawn_once(sans: Font) -> None:
    """A combining slash over an o crosses it: the crossing must stay ink, not flip to paper."""
    plain, crossed = render_line("o", sans, 100), render_line("o\u0338", sans, 100)
    assert crossed.astype(int).sum() > plain.astype(int).sum()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a한", "cannot draw '한' of 'a한'"),  # would be a box
        (" ", "leaves no ink for ' '"),
        ("", "leaves no ink for ''"),
        ("H" * 400, "over 4096 px high or wide"),  # the rasteriser would cut the line off
    ],
)
def test_a_text_that_cannot_be_drawn_is_an_input_error(sans: Font, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        render_line(text, sans, 20)
