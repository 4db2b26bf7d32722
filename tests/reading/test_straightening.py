"""Lines cut out of a page, px for px where that is possible."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ocrtune.reading.straightening import straighten

PAGE = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
UPRIGHT = np.array(((10, 5), (50, 5), (50, 25), (10, 25)), np.float64)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_line_at_right_angles_keeps_every_px(turns: int) -> None:
    """The text's upper left corner is the first; the others follow clockwise."""
    cut = straighten(PAGE, np.roll(UPRIGHT, -turns, axis=0))
    assert np.array_equal(cut, np.rot90(PAGE[5:25, 10:50], turns))


def test_a_grey_page_gives_a_grey_line() -> None:
    assert straighten(PAGE[..., 0], UPRIGHT).shape == (20, 40)


def test_a_tilted_line_is_level_in_its_cut() -> None:
    """A dark bar at 20 degrees fills the middle of its box from end to end."""
    page = np.full((300, 400), 255, np.uint8)
    corners = cv2.boxPoints(((200, 150), (200, 30), 20))
    bar = cv2.boxPoints(((200, 150), (240, 8), 20)).astype(np.int32)
    cv2.fillPoly(page, [bar], 0)
    start = int(np.argmin(corners.sum(axis=1)))
    cut = straighten(page, np.roll(corners, -start, axis=0).astype(np.float64))
    assert cut.shape == (30, 200)
    assert cut[15].max() < 30
    assert cut[:8].min() > 225
    assert cut[-8:].min() > 225


def test_a_box_without_a_pixel_is_refused() -> None:
    with pytest.raises(ValueError, match="0 px"):
        straighten(PAGE, np.array(((1, 1), (30, 1), (30, 1.2), (1, 1.2))))
    with pytest.raises(ValueError, match="on one line"):
        straighten(PAGE, np.array(((0, 0), (10, 10), (20, 20), (30, 30)), np.float64))
