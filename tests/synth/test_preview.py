"""The contact sheet: every image whole, in reading order, with its text under it."""

from __future__ import annotations

import numpy as np
import pytest

from ocrtune.synth.font_search import matplotlib_font_folder
from ocrtune.synth.fonts import Font
from ocrtune.synth.preview import BACKGROUND, SheetLayout, SheetLine, contact_sheet

LAYOUT = SheetLayout(columns=2, cell_width=100, line_height=20, label_height=10, gap=4)
STEP_X, STEP_Y = 104, 38


@pytest.fixture(scope="module")
def font() -> Font:
    return Font.open(matplotlib_font_folder() / "DejaVuSans.ttf")


def test_images_stand_in_their_cells_in_reading_order(font: Font) -> None:
    grey = np.full((10, 50), 7, np.uint8)
    colour = np.full((20, 100, 3), (200, 10, 30), np.uint8)
    sheet = contact_sheet([SheetLine(grey, "ab", [font]), SheetLine(colour, "c", [font])] * 2, LAYOUT)
    assert (sheet.shape, sheet.dtype) == ((2 * STEP_Y + 4, 2 * STEP_X + 4, 3), np.uint8)
    for top in (4, 4 + STEP_Y):
        assert (sheet[top + 10 : top + 20, 4:54] == 7).all()  # stands on its label
        assert (sheet[top : top + 10, 4:104] == BACKGROUND).all()
        assert (sheet[top : top + 20, 4 + STEP_X : 104 + STEP_X] == (200, 10, 30)).all()


def test_texts_stand_under_their_images(font: Font) -> None:
    grey = np.full((20, 50), 7, np.uint8)
    sheet = contact_sheet([SheetLine(grey, text, [font]) for text in ("ll", "ll llllll")], LAYOUT)
    labels = (sheet[24:] != BACKGROUND).any(axis=(0, 2))
    first, second = np.flatnonzero(labels[:STEP_X]), np.flatnonzero(labels[STEP_X:])
    assert first[0] == second[0] == 4
    assert len(second) > 3 * len(first)
    assert not (sheet[20:24, STEP_X + 60 :] != BACKGROUND).any()


def test_large_images_and_long_texts_are_shrunk_to_their_cell(font: Font) -> None:
    wide = np.zeros((40, 400), np.uint8)
    sheet = contact_sheet([SheetLine(wide, "word " * 40, [font])], LAYOUT)
    rows, columns = np.nonzero((sheet[:24] == 0).all(axis=2))
    assert (len(set(rows)), len(set(columns))) == (10, 100)
    assert (sheet[24:, 104:] == BACKGROUND).all()
    assert (sheet[24:, 90:104] != BACKGROUND).any()


def test_an_empty_sheet_is_a_row_of_background() -> None:
    sheet = contact_sheet([], LAYOUT)
    assert sheet.shape == (STEP_Y + 4, 2 * STEP_X + 4, 3)
    assert (sheet == BACKGROUND).all()


def test_a_text_of_two_fonts_stands_under_its_line(font: Font) -> None:
    """The preview of lines that no font draws alone failed: it drew their texts with the first font only."""
    letters, signs = Font.open(matplotlib_font_folder() / "cmr10.ttf"), font
    grey = np.full((20, 50), 7, np.uint8)
    sheet = contact_sheet([SheetLine(grey, "a \u05d0", [letters, signs])], LAYOUT)
    assert (sheet[24:] != BACKGROUND).any()
