"""Whole pages: finds the lines, turns them and the page the right way, reads them and puts them in order."""

from __future__ import annotations

from typing import Literal, cast

import numpy as np
import numpy.typing as npt

from ocrtune.reading.detection import TextDetector
from ocrtune.reading.orientation import page_angle, read_regions, settle_lines
from ocrtune.reading.reading_order import reading_order
from ocrtune.reading.recognizer import Recognizer, check_image
from ocrtune.records import Image, Page, PageLine, Quadrilateral


class PageReader:
    """Reads whole pages. Safe to call from several threads; it remembers nothing of a page.

    Args:
        recognizer: reads the lines; all those of a page come in one call.
        detector: finds the lines; by default the one inside the installed `rapidocr`.
    """

    def __init__(self, recognizer: Recognizer, detector: TextDetector | None = None) -> None:
        self.recognizer = recognizer
        self.detector = TextDetector() if detector is None else detector

    def read(self, image: Image) -> Page:
        """Read a page, (H, W) grey or (H, W, 3) RGB uint8.

        Raises:
            InputError: the image is empty or of another kind.
        """
        check_image(image, "the page")
        height, width = image.shape[:2]
        readings = read_regions(self.recognizer, image, self.detector.detect(image))
        angle = page_angle(self.recognizer, image, readings)
        upright = turn(image, angle)
        if angle:
            # What is read on a turned page is exactly what is read on the upright one.
            readings = read_regions(self.recognizer, upright, self.detector.detect(upright))
        readings = settle_lines(self.recognizer, upright, readings)
        readings = [reading for reading in readings if reading.prediction.text.strip()]
        mostly_stacked = 2 * sum(reading.is_stacked for reading in readings) > len(readings)
        places = reading_order([r.region.corners for r in readings], from_right=mostly_stacked)
        lines = []
        for place in places:
            reading = readings[place.index]
            box = _turn_back(reading.corners, angle, height, width)
            lines.append(
                PageLine(
                    box=cast(Quadrilateral, tuple((float(x), float(y)) for x, y in box)),
                    prediction=reading.prediction,
                    length=float(reading.length),
                    row=place.row,
                    block=place.block,
                    stacked=reading.is_stacked,
                )
            )
        return Page(width, height, angle, tuple(lines))


def turn(image: Image, angle: Literal[0, 90, 180, 270]) -> Image:
    """`image` turned clockwise by `angle` degrees."""
    return np.ascontiguousarray(np.rot90(image, -angle // 90))


def _turn_back(
    corners: npt.NDArray[np.float64], angle: int, height: int, width: int
) -> npt.NDArray[np.float64]:
    """Places on a page that was turned clockwise by `angle`, on the page as it was: `height` x `width` px."""
    x, y = corners[:, 0], corners[:, 1]
    if angle == 90:
        x, y = y, height - x
    elif angle == 180:
        x, y = width - x, height - y
    elif angle == 270:
        x, y = width - y, x
    return np.stack((x, y), axis=1)
