"""From the detector's map to boxes, and the detector on a drawn page."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest
from PIL import ImageDraw, ImageFont

from ocrtune.errors import InputError
from ocrtune.reading.detection import CLOSE_LOOK, DetectionSize, TextDetector, regions
from ocrtune.records import Image

Map = npt.NDArray[np.float32]


def blank(height: int = 96, width: int = 160) -> Map:
    return np.zeros((height, width), np.float32)


def test_a_core_grows_to_its_line() -> None:
    """A core of 61 x 11 px and the 1 px of dilation: its area by its circumference, times 1.6, all around."""
    probabilities = blank()
    probabilities[40:50, 30:90] = 0.9
    (region,) = regions(probabilities, 96, 160)
    # Contours run through the centres of px: 60 x 10 from (30, 40).
    grow = 1.6 * 60 * 10 / (2 * (60 + 10))
    left, top, right, bottom = 29 - grow, 39 - grow, 89 + grow, 49 + grow
    expected = np.array(((left, top), (right, top), (right, bottom), (left, bottom)))
    assert np.abs(region.corners - expected).max() < 1.01
    assert region.score == pytest.approx(0.9, abs=0.1)


def test_boxes_are_in_px_of_the_page() -> None:
    probabilities = blank()
    probabilities[40:50, 30:90] = 0.9
    (small,) = regions(probabilities, 96, 160)
    (large,) = regions(probabilities, 3 * 96, 2 * 160)
    assert large.corners == pytest.approx(small.corners * (2, 3))


def test_what_is_faint_or_a_speck_is_no_line() -> None:
    probabilities = blank()
    probabilities[10:20, 10:70] = 0.4  # above the core's threshold, below the score
    probabilities[50:52, 20:22] = 1.0
    assert regions(probabilities, 96, 160) == []


def test_corners_start_at_the_upper_left_of_a_tilted_line() -> None:
    probabilities = blank(200, 300)
    line = cv2.boxPoints(((150, 100), (160, 14), -10)).astype(np.int32)
    cv2.fillPoly(probabilities, [line], 1.0)
    (region,) = regions(probabilities, 200, 300)
    upper_left, upper_right, lower_right, lower_left = region.corners
    assert upper_left[0] < 75
    assert upper_right[0] > 225
    assert upper_right[1] < upper_left[1] - 20  # it rises to the right
    assert lower_left[1] > upper_left[1]
    assert lower_right[1] > upper_right[1]


def test_a_box_ends_at_the_edge_of_the_page() -> None:
    probabilities = blank()
    probabilities[0:12, 0:60] = 1.0
    (region,) = regions(probabilities, 96, 160)
    assert region.corners.min() == 0


@pytest.mark.parametrize(
    ("page", "size"),
    [
        ((1000, 800), (992, 800)),  # as it is, in whole strides
        ((200, 100), (960, 480)),  # enlarged to the shorter side
        ((6000, 3000), (1600, 800)),  # shrunk to the longer one
        ((20000, 10), (1600, 32)),  # a strip stays small
    ],
)
def test_size_of_the_input(page: tuple[int, int], size: tuple[int, int]) -> None:
    assert DetectionSize(shortest=480, longest=1600).of(*page) == size


def test_the_detector_finds_drawn_lines_alike_from_several_threads(text_page: Image) -> None:
    detector = TextDetector()
    alone = detector.detect(text_page)
    assert len(alone) == 3
    with ThreadPoolExecutor(3) as pool:
        for found in pool.map(lambda _: detector.detect(text_page), range(6)):
            assert [region.corners.tolist() for region in found] == [r.corners.tolist() for r in alone]
    grey = cv2.cvtColor(text_page, cv2.COLOR_RGB2GRAY)
    assert [r.corners.tolist() for r in detector.detect(np.asarray(grey))] == [
        r.corners.tolist() for r in alone
    ]


def test_a_white_page_has_no_lines() -> None:
    assert TextDetector().detect(np.full((300, 200), 255, np.uint8)) == []


def test_another_network_is_no_detector(block_onnx: Path) -> None:
    with pytest.raises(InputError, match=r"blocks\.onnx fails on a page"):
        TextDetector(block_onnx).detect(np.zeros((64, 64), np.uint8))


@pytest.mark.slow
def test_small_print_is_looked_at_closely() -> None:
    """Letters of 14 px on a page of 2000: at the first look they are one smear, or none."""
    page = PIL.Image.new("L", (1500, 2000), 255)
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(14)
    for i in range(12):
        pen.text((100, 300 + 22 * i), f"Line number {i} of a page of small print", fill=0, font=font)
    image = np.asarray(page, np.uint8)
    detector = TextDetector()
    close = [region.corners.tolist() for region in detector.detect(image, CLOSE_LOOK)]
    assert len(close) == 12
    assert [region.corners.tolist() for region in detector.detect(image)] == close
