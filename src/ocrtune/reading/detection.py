"""Where text is on a page: the PP-OCR detector from inside `rapidocr`, run by our own session.

Its output is a map of how likely each px is the core of a text line (Liao et al. 2020, DB); `regions` turns
the map into boxes. Nothing here remembers a page, so that one detector serves any number of threads.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from ocrtune.errors import InputError
from ocrtune.reading.models import packaged_file
from ocrtune.reading.onnx_session import open_session
from ocrtune.records import Image

DETECTOR_FILE = "PP-OCRv6_det_small.onnx"

CORE = 0.3
"""Probability from which a px belongs to the core of a line; PaddleOCR's `thresh`."""

SCORE = 0.5
"""Mean probability over a region below which it is no text; PaddleOCR's `box_thresh`."""

UNCLIP = 1.6
"""Area by circumference of a core, times this, is how far the line reaches beyond it (DB, section 3.4)."""

REGION_LIMIT = 2000
"""Regions of a page. A dense A3 page has some 600 lines; noise has any number."""

_STRIDE = 32  # px; the network halves its input five times
_SHORTEST_CORE = 3  # px of the map: a line core is thinner than its line, but not a speck
_SHORTEST_REGION = 5  # px of the map, after growing


@dataclass(frozen=True, slots=True)
class Region:
    """A place on a page that looks like a line of text."""

    corners: npt.NDArray[np.float64]
    """(4, 2) x and y in px of the page: upper left, upper right, lower right, lower left on the page."""
    score: float
    """How sure the detector is, 0..1."""


@dataclass(frozen=True, slots=True)
class DetectionSize:
    """At which size a page is looked at, px."""

    shortest: int
    """A page whose shorter side is below this is enlarged to it."""
    longest: int
    """A page whose longer side is above this is shrunk to it."""

    def of(self, height: int, width: int) -> tuple[int, int]:
        """(H, W) of the network's input for a page: both are multiples of 32."""
        scale = min(max(1.0, self.shortest / min(height, width)), self.longest / max(height, width))
        return _to_stride(height * scale), _to_stride(width * scale)


FIRST_LOOK = DetectionSize(shortest=480, longest=960)
"""Enough for print of usual size, where it finds better lines than a closer look (docs/pages.md)."""

CLOSE_LOOK = DetectionSize(shortest=736, longest=2000)
"""For pages with small print; what RapidOCR takes for all."""

SMALL_LINE = 14.0
"""px of the map; where half of the lines are less high, or there is none, the page is looked at closely.
Print of 8 points on an A4 page has 13 at the first look, receipts have 15 to 29."""


class TextDetector:
    """Finds lines of text on pages. Safe to call from several threads.

    Args:
        path: the network; by default the one inside the installed `rapidocr`.

    Raises:
        InputError: the file is missing or no such network.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = packaged_file(DETECTOR_FILE) if path is None else path
        self._session = open_session(self._path)
        self._input = self._session.get_inputs()[0].name
        self._output = self._session.get_outputs()[0].name

    def detect(self, image: Image, size: DetectionSize | None = None) -> list[Region]:
        """The regions of a page, in no order to rely on.

        Args:
            image: (H, W) grey or (H, W, 3) RGB uint8.
            size: at which size to look at it; without one, closely where the print is small.
        """
        height, width = image.shape[:2]
        if size is not None:
            return regions(self._probabilities(image, size), height, width)
        found = regions(self._probabilities(image, FIRST_LOOK), height, width)
        scale = FIRST_LOOK.of(height, width)[0] / height
        heights = [min(math.dist(r.corners[0], r.corners[3]), math.dist(*r.corners[:2])) for r in found]
        is_small = not found or float(np.median(heights)) * scale < SMALL_LINE
        if is_small and CLOSE_LOOK.of(height, width) > FIRST_LOOK.of(height, width):
            return regions(self._probabilities(image, CLOSE_LOOK), height, width)
        return found

    def _probabilities(self, image: Image, size: DetectionSize) -> npt.NDArray[np.float32]:
        """The map of a page, (h, w) 0..1, at the size of the network's input."""
        height, width = size.of(*image.shape[:2])
        shrinks = height < image.shape[0]
        resized = cv2.resize(
            image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        )
        if resized.ndim == 2:
            resized = cv2.cvtColor(resized, cv2.COLOR_GRAY2BGR)
        # 0..255 to -1..1, RGB to BGR, (1, 3, h, w): in one pass.
        batch = cv2.dnn.blobFromImage(resized, 1 / 127.5, mean=(127.5, 127.5, 127.5), swapRB=True)
        try:
            output = self._session.run([self._output], {self._input: batch})[0]
        except Exception as error:
            reason = str(error).splitlines()[0][:200]
            raise InputError(f"{self._path} fails on a page of {width} x {height} px: {reason}") from error
        if output.shape != (1, 1, height, width):
            raise InputError(
                f"{self._path} gives {output.shape} for a page of {width} x {height} px: it is no text "
                "detector; pip install 'rapidocr==3.10.*'"
            )
        return np.asarray(output[0, 0], np.float32)


def regions(probabilities: npt.NDArray[np.float32], height: int, width: int) -> list[Region]:
    """Boxes around the lines of a page.

    Args:
        probabilities: (h, w) 0..1 from the detector, at any scale of the page.
        height: of the page, px.
        width: of the page, px.
    """
    mask = (probabilities > CORE).astype(np.uint8)
    mask = np.asarray(cv2.dilate(mask, np.ones((2, 2), np.uint8)), np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    scale = np.array([width / mask.shape[1], height / mask.shape[0]])
    found = []
    for contour in contours[:REGION_LIMIT]:
        centre, (w, h), angle = cv2.minAreaRect(contour)
        if min(w, h) < _SHORTEST_CORE:
            continue
        score = _mean_inside(probabilities, cv2.boxPoints((centre, (w, h), angle)))
        if score < SCORE:
            continue
        # A rectangle grown by a round brush has the rectangle with `grow` added on each side around it.
        grow = UNCLIP * w * h / (2 * (w + h))
        grown = (w + 2 * grow, h + 2 * grow)
        if min(grown) < _SHORTEST_REGION:
            continue
        corners = cv2.boxPoints((centre, grown, angle)).astype(np.float64) * scale
        corners = np.clip(_from_upper_left(corners), 0, (width, height))
        if min(np.hypot(*(corners[1] - corners[0])), np.hypot(*(corners[3] - corners[0]))) > 3:
            found.append(Region(corners, score))
    return found


def _mean_inside(probabilities: npt.NDArray[np.float32], corners: npt.NDArray[np.float32]) -> float:
    height, width = probabilities.shape
    left, top = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, (width - 1, height - 1))
    right, bottom = np.clip(np.ceil(corners.max(axis=0)).astype(int), 0, (width - 1, height - 1))
    mask = np.zeros((bottom - top + 1, right - left + 1), np.uint8)
    cv2.fillPoly(mask, [(corners - (left, top)).astype(np.int32)], 1)
    return float(cv2.mean(probabilities[top : bottom + 1, left : right + 1], mask)[0])


def _from_upper_left(corners: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Corners in the order upper left, upper right, lower right, lower left."""
    by_x = corners[np.argsort(corners[:, 0], kind="stable")]
    left, right = by_x[:2], by_x[2:]
    left, right = left[np.argsort(left[:, 1], kind="stable")], right[np.argsort(right[:, 1], kind="stable")]
    return np.array([left[0], right[0], right[1], left[1]])


def _to_stride(length: float) -> int:
    return max(_STRIDE, round(length / _STRIDE) * _STRIDE)
