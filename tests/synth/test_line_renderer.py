"""Lines from cached glyphs: the ink of the outlines, whatever was drawn before, and boxes that hold it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrtune.errors import InputError
from ocrtune.records import Image
from ocrtune.synth.font_search import matplotlib_font_folder
from ocrtune.synth.fonts import Font
from ocrtune.synth.raster import Outline, rasterise
from ocrtune.synth.render import LineRenderer, RenderedLine
from ocrtune.synth.shaping import shape_line

ALPHABET = "aegHVfi,.-() 019" + "אבג" + "سلام" + "\u0301\u05b0\u200f"


def open_font(file: str) -> Font:
    return Font.open(matplotlib_font_folder() / file)


@pytest.fixture(scope="module")
def sans() -> Font:
    return open_font("DejaVuSans.ttf")


def draw(text: str, font: Font, size: float = 32, renderer: LineRenderer | None = None) -> RenderedLine:
    return (renderer or LineRenderer()).draw(shape_line(text, [font]), size)


def fill_outlines(text: str, font: Font, size: float) -> Image:
    """The line with every outline exactly where it belongs, cut to its ink."""
    (run,) = shape_line(text, [font]).runs
    scale = size / font.units_per_em
    outlines = [
        Outline(glyph, x * size, y * size) for glyph, x, y in zip(run.glyphs, run.x, run.y, strict=True)
    ]
    bitmap = rasterise(font.shaper, outlines, (scale, scale))
    assert bitmap is not None
    rows, columns = np.nonzero(bitmap.ink)
    return bitmap.ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


@pytest.mark.parametrize("file", ["DejaVuSans.ttf", "DejaVuSerif-Italic.ttf", "STIXGeneral.ttf"])
@pytest.mark.parametrize("size", [19, 32])
def test_one_glyph_is_its_outline(file: str, size: int) -> None:
    font = open_font(file)
    for symbol in "Hgj%":
        assert np.array_equal(draw(symbol, font, size).ink, fill_outlines(symbol, font, size))


@pytest.mark.parametrize("file", ["DejaVuSans.ttf", "DejaVuSerif-Italic.ttf", "STIXGeneral.ttf"])
def test_a_line_is_its_outlines_to_an_eighth_of_a_px(file: str) -> None:
    font = open_font(file)
    ink, exact = draw("Office AVATAR 12,90", font).ink, fill_outlines("Office AVATAR 12,90", font, 32)
    assert ink.shape[0] == exact.shape[0]
    assert abs(ink.shape[1] - exact.shape[1]) <= 1
    width = min(ink.shape[1], exact.shape[1])
    difference = np.abs(ink[:, :width].astype(int) - exact[:, :width])
    # An edge moved by an eighth of a px changes its pixels by 32 at most; the rest is rounding.
    assert difference.max() <= 34
    assert abs(ink.sum(dtype=int) / exact.sum(dtype=int) - 1) < 0.01


def test_joined_letters_show_no_seam(sans: Font) -> None:
    """Two edges that cover 40 % and 60 % of a column meet there: together they are full ink."""
    for size in (21.3, 32, 40.7):
        stroke = draw("ـ" * 12, sans, size).ink
        middle = stroke[stroke.astype(int).sum(axis=1).argmax(), 2:-2]
        assert middle.min() >= 250


def test_the_baseline_is_where_letters_stand(sans: Font) -> None:
    assert draw("H", sans).baseline == draw("H", sans).ink.shape[0]
    hanging = draw("Hg", sans)
    assert np.array_equal(hanging.ink[: hanging.baseline, :18], draw("H", sans).ink[:, :18])
    assert draw("'", sans).baseline > draw("'", sans).ink.shape[0]  # below the image


@given(st.lists(st.text(ALPHABET, min_size=1, max_size=12), min_size=1, max_size=4))
@settings(max_examples=40)
def test_what_was_drawn_before_changes_nothing(texts: list[str]) -> None:
    font = open_font("DejaVuSans.ttf")
    used, forgetful = LineRenderer(), LineRenderer(cache_limit=0)
    for text in texts * 2:
        try:
            expected = draw(text, font)
        except InputError:  # nothing but blanks
            continue
        for renderer in (used, forgetful):
            line = draw(text, font, renderer=renderer)
            assert np.array_equal(line.ink, expected.ink)
            assert (line.baseline, line.left, line.text) == (expected.baseline, expected.left, expected.text)
    assert forgetful.cached_bytes == 0


def test_the_cache_stays_within_its_limit(sans: Font) -> None:
    renderer = LineRenderer(cache_limit=200_000)
    sizes = [20 + 0.5 * k for k in range(60)]
    for size in sizes:
        draw("The quick brown fox 0123456789", sans, size, renderer)
        assert renderer.cached_bytes <= 200_000
    assert renderer.cached_bytes > 100_000  # and is used


@given(st.text(ALPHABET, min_size=1, max_size=20))
@settings(max_examples=60)
def test_boxes_hold_the_ink(text: str) -> None:
    font = open_font("DejaVuSans.ttf")
    try:
        line = draw(text, font)
    except InputError:  # nothing but blanks
        return
    boxes = line.character_boxes()
    assert boxes.shape == (len(line.text), 4)
    assert (boxes[:, :2] <= boxes[:, 2:]).all()
    height, width = line.ink.shape
    outside = line.ink.copy()
    for left, top, right, bottom in boxes:
        rows = slice(max(0, int(np.floor(top)) - 1), int(np.ceil(bottom)) + 1)
        outside[rows, max(0, int(np.floor(left)) - 1) : int(np.ceil(right)) + 1] = 0
    assert not outside.any()
    inked = boxes[boxes[:, 1] < boxes[:, 3]]
    assert np.allclose([inked[:, 0].min(), inked[:, 1].min()], 0, atol=1.2)
    assert np.allclose([inked[:, 2].max(), inked[:, 3].max()], [width, height], atol=1.2)


def test_boxes_come_in_logical_order(sans: Font) -> None:
    lefts = draw("a אב", sans).character_boxes()[:, 0]
    assert list(np.argsort(lefts)) == [0, 1, 3, 2]
    shared = draw("fin", sans).character_boxes()
    assert np.array_equal(shared[0], shared[1])  # one ligature
    assert shared[2, 0] > shared[1, 2]
    space = draw("a b", sans, 100).character_boxes()[1]
    assert space[2] - space[0] == pytest.approx(31.8, abs=0.1)  # its advance, 0.318 em
    assert space[1] == space[3]


def test_a_stacked_line_goes_down(sans: Font) -> None:
    line = LineRenderer().draw(shape_line("HI J", [sans], is_vertical=True), 40)
    assert line.ink.shape[0] > 3 * line.ink.shape[1]
    boxes = line.character_boxes()
    assert (np.diff(boxes[:, 1]) > 0).all()
    centres = (boxes[:2, 0] + boxes[:2, 2]) / 2
    assert abs(centres[0] - centres[1]) < 1.5
    assert boxes[2, 3] - boxes[2, 1] > 30  # the space is as high as its advance
    assert boxes[2, 0] == boxes[2, 2]


def test_a_character_without_ink_is_never_drawn(tmp_path: Path) -> None:
    with TTFont(matplotlib_font_folder() / "cmr10.ttf") as file:
        file["glyf"][file.getBestCmap()[ord("b")]] = TTGlyphPen(None).glyph()
        file.save(tmp_path / "hollow.ttf")
    hollow = Font.open(tmp_path / "hollow.ttf")
    assert draw("a c", hollow).text == "a c"
    with pytest.raises(InputError, match="font cmr10 Regular leaves no ink for 'b' of 'abc'"):
        draw("abc", hollow)


@given(st.text(min_size=1, max_size=12), st.booleans())
@settings(max_examples=60)
def test_any_text_is_drawn_or_refused_in_one_line(text: str, is_vertical: bool) -> None:
    """The last-resort font has a box for every character, so that shaping comes to all of them."""
    message = "refused"
    try:
        shaped = shape_line(text, [open_font("LastResortHE-Regular.ttf")], is_vertical=is_vertical)
        line = LineRenderer().draw(shaped, 20)
        assert line.character_boxes().shape == (len(line.text), 4)
    except InputError as error:
        message = str(error)
    assert len(message.splitlines()) == 1


def test_a_font_of_monstrous_glyphs_is_refused(tmp_path: Path) -> None:
    """As damaged files have them: without a limit, a line of text could take gigabytes."""
    with TTFont(matplotlib_font_folder() / "cmr10.ttf") as file:
        file["head"].unitsPerEm = 16
        file.save(tmp_path / "monstrous.ttf")
    with pytest.raises(InputError, match="font cmr10 Regular has a glyph of over 24 em"):
        draw("H", Font.open(tmp_path / "monstrous.ttf"), 20)


def test_lines_that_cannot_be_drawn_are_input_errors(sans: Font) -> None:
    with pytest.raises(InputError, match="nothing of ' ' leaves ink"):
        draw(" ", sans)
    with pytest.raises(InputError, match=r"nothing of '\\u200f' leaves ink"):
        draw("\u200f", sans)
    with pytest.raises(InputError, match="over 4096 px"):
        draw("H", sans, 6000)
    with pytest.raises(InputError, match=r"a line of \d+ x 24 px is too large"):
        LineRenderer().draw(shape_line("H H", [sans], word_spacing=1e5), 32)


def test_size_is_px_per_em(sans: Font) -> None:
    # A capital H of DejaVu Sans is 0.729 em high.
    assert draw("H", sans, 100).ink.shape[0] == 73
    assert draw("H", sans, 200).ink.shape[0] == 146


def test_mask_is_upright_and_tight(sans: Font) -> None:
    ink = draw("L", sans, 100).ink
    assert (ink == 255).any()
    assert ink.dtype == np.uint8
    assert ink[-1].astype(int).sum() > 3 * ink[0].astype(int).sum()  # the foot of the L is below
    assert ink[:, 0].astype(int).sum() > 3 * ink[:, -1].astype(int).sum()  # and its stem to the left
    for edge in (ink[0], ink[-1], ink[:, 0], ink[:, -1]):
        assert edge.any()


def test_kerning_is_applied(sans: Font) -> None:
    """Set glyph by glyph, AV would be as wide as A and V; shaping pulls them together."""
    apart = draw("A", sans, 200).ink.shape[1] + draw("V", sans, 200).ink.shape[1]
    assert draw("AV", sans, 200).ink.shape[1] < apart


def test_overlapping_glyphs_are_drawn_once(sans: Font) -> None:
    """A combining slash over an o crosses it: the crossing must stay ink, not flip to paper."""
    plain, crossed = draw("o", sans, 100).ink, draw("o\u0338", sans, 100).ink
    assert crossed.astype(int).sum() > plain.astype(int).sum()
