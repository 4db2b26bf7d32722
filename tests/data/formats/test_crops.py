"""Cutting lines out of pages: boxes are rectified, polygons masked, and no outline of a stranger hurts."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrtune.data.formats.crops import CroppedImage, Outline, OutlineError, box, cut_line
from ocrtune.data.images import ImageError, decode_image
from ocrtune.data.label_file import FileImage
from ocrtune.records import Image

NOISE = np.random.default_rng(1).integers(0, 256, (80, 120, 3), dtype=np.uint8)


def written(angle: float, quarter_turns: int = 0) -> tuple[Image, Image, tuple[tuple[float, float], ...]]:
    """A page with a line turned by `angle` degrees clockwise, the line itself, its corners on the page."""
    line = np.full((24, 120), 230, np.uint8)
    cv2.putText(line, "Total 42", (4, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 20, 2)
    line = cv2.GaussianBlur(line, (5, 5), 0)
    turn = cv2.getRotationMatrix2D((60, 12), -angle, 1)
    turn[:, 2] += (60, 80)
    page = cv2.warpAffine(line, turn, (240, 200), flags=cv2.INTER_CUBIC, borderValue=230)
    corners = np.array(box(-0.5, -0.5, 120, 24)) @ turn[:, :2].T + turn[:, 2] + 0.5
    corners = np.roll(corners, -quarter_turns, axis=0)
    return page, line, tuple((float(x), float(y)) for x, y in corners)


@pytest.mark.parametrize("angle", [0, 7, -30, 90, 135, 180])
def test_a_box_in_reading_order_is_turned_upright(angle: float) -> None:
    page, line, corners = written(angle)
    cut = cut_line(page, Outline(corners))
    assert cut.shape == line.shape
    assert np.abs(cut.astype(int) - line).mean() < 4


def test_a_tall_box_is_laid_down_unless_it_holds_one_symbol() -> None:
    """The box of a line that runs downwards, its corners as seen on the page, not as it reads."""
    page, line, corners = written(90, quarter_turns=3)
    cut = cut_line(page, Outline(corners), symbols=7)
    assert cut.shape == line.shape
    assert np.abs(cut.astype(int) - line).mean() < 4
    assert cut_line(page, Outline(corners), symbols=1).shape == line.shape[::-1]


def test_an_upright_box_is_cut_pixel_by_pixel_and_at_the_edge() -> None:
    np.testing.assert_array_equal(cut_line(NOISE, Outline(box(10, 20, 60, 30))), NOISE[20:50, 10:70])
    np.testing.assert_array_equal(cut_line(NOISE, Outline(box(-5, 70, 60, 30))), NOISE[70:, :55])


def test_outside_of_a_polygon_is_paper() -> None:
    page = np.full((60, 100), 200, np.uint8)
    page[10:14] = 0  # ink of the line above
    page[30:34, 20:80] = 10  # the line itself
    polygon = ((10.0, 20.0), (50.0, 5.0), (90.0, 20.0), (90.0, 40.0), (10.0, 40.0))
    cut = cut_line(page, Outline(polygon))
    assert cut.shape == (36, 81)
    assert cut[8, 0] == 200  # the ink above is on the page here, and outside of the polygon
    assert page[13, 10] == 0
    assert cut[6, 40] == 0  # inside of it
    assert cut[26, 30] == 10


@pytest.mark.parametrize("drawn_from_the_right", [False, True])
def test_a_polygon_is_turned_by_its_baseline(drawn_from_the_right: bool) -> None:
    page, line, corners = written(20)
    baseline = (corners[3], corners[2])
    if drawn_from_the_right:
        baseline = baseline[::-1]
    cut = cut_line(page, Outline(corners, baseline, is_mask=True))
    assert abs(cut.shape[0] - 24) <= 2
    assert abs(cut.shape[1] - 120) <= 2
    assert np.abs(cut[:24, :120].astype(int) - line[: cut.shape[0], : cut.shape[1]]).mean() < 14


def test_outlines_in_another_unit_are_scaled() -> None:
    """ALTO counts in tenths of a millimetre; a page may have been made smaller after it was labelled."""
    cut = cut_line(NOISE, Outline(box(100, 200, 600, 300), page_size=(1200, 800)))
    np.testing.assert_array_equal(cut, NOISE[20:50, 10:70])
    with pytest.raises(OutlineError, match="its page is stated as 800 x 1200, the image has 120 x 80 px"):
        cut_line(NOISE, Outline(box(0, 0, 60, 30), page_size=(800, 1200)))


COORDINATE = st.one_of(st.floats(-300, 300), st.integers(-20, 140).map(float), st.floats(-1e6, 1e6))


@pytest.mark.slow
@given(
    points=st.lists(st.tuples(COORDINATE, COORDINATE), min_size=3, max_size=7),
    baseline=st.lists(st.tuples(COORDINATE, COORDINATE), max_size=3),
    is_mask=st.booleans(),
)
def test_any_outline_gives_a_line_or_says_why_not(
    points: list[tuple[float, float]], baseline: list[tuple[float, float]], is_mask: bool
) -> None:
    try:
        cut = cut_line(NOISE, Outline(tuple(points), tuple(baseline), None, is_mask))
    except OutlineError:
        return
    assert cut.dtype == np.uint8
    assert cut.ndim == 3
    assert min(cut.shape[:2]) >= 1


def test_a_cut_line_is_a_png_of_its_page(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "page.png"), NOISE[..., ::-1])
    image = CroppedImage(FileImage(tmp_path / "page.png"), Outline(box(10, 20, 60, 30)), 5)
    np.testing.assert_array_equal(decode_image(image.read(), ""), NOISE[20:50, 10:70])
    away = CroppedImage(FileImage(tmp_path / "page.png"), Outline(box(500, 20, 60, 30)), 5)
    with pytest.raises(ImageError, match=r"page\.png at 500, 20: empty image: .* outside of the page"):
        away.read()
    with pytest.raises(ImageError, match="missing image"):
        CroppedImage(FileImage(tmp_path / "gone.png"), Outline(box(0, 0, 9, 9)), 5).read()
