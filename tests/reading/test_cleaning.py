"""Each change does what it is for, and says the way back to the page as it was."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ocrtune.errors import InputError
from ocrtune.reading.cleaning import SMALL_TEXT, Cleaning, clean_pixels, enlarge, level
from ocrtune.records import Image


def print_on(paper: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> Image:
    """Bars as thin as print, half as bright as their paper."""
    page = paper.copy()
    for y in range(30, page.shape[0] - 30, 40):
        for x in range(30, page.shape[1] - 30, 12):
            page[y : y + 14, x : x + 4] *= 0.5
    return page.astype(np.uint8)


def test_nothing_is_done_unless_it_is_asked_for() -> None:
    page = np.random.default_rng(0).integers(0, 256, (50, 40, 3), np.uint8)
    assert Cleaning() == Cleaning.of([])
    assert np.array_equal(clean_pixels(page, Cleaning()), page)


def test_an_unknown_change_is_named() -> None:
    with pytest.raises(InputError, match="no cleaning 'sharpen'; choose from gray, shadow, contrast"):
        Cleaning.of(["gray", "sharpen"])


def test_gray_takes_the_colours_out() -> None:
    page = np.zeros((5, 4, 3), np.uint8)
    page[..., 1] = 200
    assert clean_pixels(page, Cleaning(gray=True)).tolist() == [[117] * 4] * 5


def test_shadow_makes_paper_even_and_keeps_print() -> None:
    light = np.tile(np.linspace(90, 250, 400), (300, 1))
    cleaned = clean_pixels(print_on(light), Cleaning(shadow=True))
    paper, ink = cleaned[25:290:40, 20:-20], cleaned[32:42, 30:34]
    assert paper.min() > 235
    assert cleaned[32:42, 31:33].max() < 160
    assert ink.shape == (10, 4)


def test_contrast_reaches_black_and_white() -> None:
    faint = print_on(np.full((300, 400), 200.0))
    cleaned = clean_pixels(faint, Cleaning(contrast=True))
    assert (faint.min(), faint.max()) == (100, 200)
    assert (cleaned.min(), cleaned.max()) == (0, 255)


def test_level_turns_lines_level_and_knows_the_way_back() -> None:
    """Lines that fall by 5 degrees; a mark at the end of one is found again through the matrix."""
    page = np.full((400, 600), 255, np.uint8)
    angle = np.radians(5)
    along = np.array((np.cos(angle), np.sin(angle)))
    down = np.array((-np.sin(angle), np.cos(angle)))
    boxes = []
    for i in range(7):
        start = np.array((60.0, 40 + 40 * i))
        corners = (start, start + 400 * along, start + 400 * along + 20 * down, start + 20 * down)
        boxes.append(np.array(corners))
        cv2.fillPoly(page, [np.array(boxes[-1]).round().astype(np.int32)], 0)
    turned, back = level(page, boxes)
    rows = (turned < 128).mean(axis=1)
    assert (rows > 0.55).sum() == pytest.approx(7 * 19, abs=10)  # each bar on rows of its own
    on_page = np.array(boxes[3][1])
    on_turned = np.linalg.inv(back) @ (*on_page, 1)
    x, y = (int(value) for value in on_turned[:2])
    assert turned[y + 10, x - 5] < 60
    assert turned[y + 10, x + 5] > 200
    assert turned[y - 5, x - 5] > 200


def test_a_level_page_stays_as_it_is() -> None:
    page = np.zeros((100, 300), np.uint8)
    boxes = [np.array(((10, y), (210, y), (210, y + 10), (10, y + 10)), np.float64) for y in (10, 40)]
    assert level(page, boxes)[0] is page
    assert level(page, [])[0] is page


def test_small_print_is_enlarged_to_a_readable_height() -> None:
    page = np.zeros((100, 300), np.uint8)
    boxes = [np.array(((10, 10), (210, 10), (210, 22), (10, 22)), np.float64)]
    larger, back = enlarge(page, boxes)
    assert larger.shape == (200, 600)
    assert (back @ (600, 200, 1)).tolist() == [300, 100, 1]
    assert SMALL_TEXT == 2 * 12
    high = [box * (1, 5) for box in boxes]
    assert enlarge(page, high)[0] is page
    assert enlarge(page, [])[0] is page
