"""The picture of a page: boxes on the left, texts at the same places on the right."""

from __future__ import annotations

import numpy as np

from ocrtune.reading.page_picture import LONGEST_SIDE, draw_page
from ocrtune.records import Page


def test_boxes_and_texts_stand_at_the_same_places(made_page: Page) -> None:
    image = np.full((300, 200), 255, np.uint8)
    picture = draw_page(image, made_page)
    assert picture.shape == (300, 400, 3)
    green = (picture == (27, 120, 55)).all(axis=2)
    assert green[20, 15:105].all()  # the first box's upper edge
    assert green[22:38, 12:108].sum() == 0  # nothing is drawn over the print
    text = picture[22:38, 212:308].min()
    assert text < 150  # what was read, beside it
    amber = (picture == (217, 130, 0)).all(axis=2)
    assert amber[20, 155:185].all()  # the price, which is less sure


def test_a_large_page_is_shrunk() -> None:
    picture = draw_page(np.zeros((6000, 3000, 3), np.uint8), Page(3000, 6000, 0, ()))
    assert picture.shape == (LONGEST_SIDE, LONGEST_SIDE, 3)
