"""Whole pages: finds the lines, turns them and the page the right way, reads them and puts them in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from ocrtune.reading.cleaning import Cleaning, Matrix, clean_pixels, enlarge, level
from ocrtune.reading.detection import DetectionSize, Region, TextDetector
from ocrtune.reading.orientation import Angle, Array, page_angle, read_regions, settle_lines
from ocrtune.reading.reading_order import reading_order
from ocrtune.reading.recognizer import Recognizer, check_image
from ocrtune.reading.stacking import unstack
from ocrtune.reading.straightening import straighten
from ocrtune.records import Image, Page, PageLine, Quadrilateral

AS_IT_IS = Cleaning()


class PageReader:
    """Reads whole pages. Safe to call from several threads; it remembers nothing of a page.

    Args:
        recognizer: reads the lines; all those of a page come in one call, and those that leave doubt about
            which way up they stand in another.
        detector: finds the lines; by default the one inside the installed `rapidocr`.
    """

    def __init__(self, recognizer: Recognizer, detector: TextDetector | None = None) -> None:
        self.recognizer = recognizer
        self.detector = TextDetector() if detector is None else detector

    def read(self, image: Image, cleaning: Cleaning = AS_IT_IS) -> Page:
        """Read a page.

        Args:
            image: (H, W) grey or (H, W, 3) RGB uint8.
            cleaning: changes made to the page first; places are still those of `image`.

        Raises:
            InputError: the image is empty or of another kind.
        """
        check_image(image, "the page")
        height, width = image.shape[:2]
        view = _View(clean_pixels(image, cleaning), np.eye(3))
        regions = self.detector.detect(view.image)
        readings = read_regions(self.recognizer, view.image, regions)
        angle = page_angle(self.recognizer, view.image, readings)
        if angle or cleaning.deskew or cleaning.upscale:
            # Found and read anew, so that a turned page reads exactly as the upright one.
            view, regions = self._reshape(view, regions, angle, cleaning)
            readings = read_regions(self.recognizer, view.image, regions)
        readings = settle_lines(self.recognizer, view.image, readings)
        unread = [reading for reading in readings if not reading.prediction.text.strip()]
        readings = [reading for reading in readings if reading.prediction.text.strip()]
        mostly_stacked = 2 * sum(reading.is_stacked for reading in readings) > len(readings)
        places = reading_order([r.region.corners for r in readings], from_right=mostly_stacked)
        lines = tuple(
            PageLine(
                box=_quadrilateral(view.to_given(reading.corners)),
                prediction=reading.prediction,
                length=float(reading.length),
                row=place.row,
                block=place.block,
                stacked=reading.is_stacked,
            )
            for place, reading in ((place, readings[place.index]) for place in places)
        )
        boxes = tuple(_quadrilateral(view.to_given(reading.corners)) for reading in unread)
        return Page(width, height, angle, lines, boxes)

    def _reshape(
        self, view: _View, regions: list[Region], angle: Angle, cleaning: Cleaning
    ) -> tuple[_View, list[Region]]:
        size = None
        if angle:
            view = view.turned(angle)
            regions = self.detector.detect(view.image)
        if cleaning.deskew:
            view = view.changed(*level(view.image, [region.corners for region in regions]))
            regions = self.detector.detect(view.image)
        if cleaning.upscale:
            larger = view.changed(*enlarge(view.image, [region.corners for region in regions]))
            if larger.image.shape != view.image.shape:
                view, size = larger, DetectionSize(shortest=0, longest=max(larger.image.shape[:2]))
                regions = self.detector.detect(view.image, size)
        return view, regions


@dataclass(frozen=True, slots=True)
class _View:
    """A page as it is read, and the way back to places on the page as it was given."""

    image: Image
    back: Matrix

    def changed(self, image: Image, back: Matrix) -> _View:
        """The view after another change, which `back` takes back."""
        return _View(image, self.back @ back)

    def turned(self, angle: Angle) -> _View:
        """The view turned clockwise by `angle` degrees."""
        height, width = self.image.shape[:2]
        back = {
            0: ((1, 0, 0), (0, 1, 0)),
            90: ((0, 1, 0), (-1, 0, height)),
            180: ((-1, 0, width), (0, -1, height)),
            270: ((0, -1, width), (1, 0, 0)),
        }[angle]
        image = np.ascontiguousarray(np.rot90(self.image, -angle // 90))
        return self.changed(image, np.array((*back, (0, 0, 1)), np.float64))

    def to_given(self, corners: Array) -> Array:
        """(4, 2) px of this view to px of the page as it was given."""
        return corners @ self.back[:2, :2].T + self.back[:2, 2]


def cut_line(image: Image, box: Quadrilateral, *, stacked: bool = False) -> Image:
    """The straightened image of a line, as it is given to a recogniser.

    Args:
        image: the page that the line was found on, without cleaning; (H, W) or (H, W, 3) uint8.
        box: of the line.
        stacked: its symbols stand one below the other.
    """
    cut = straighten(image, np.array(box))
    return unstack(cut) if stacked else cut


def _quadrilateral(corners: Array) -> Quadrilateral:
    return cast(Quadrilateral, tuple((float(x), float(y)) for x, y in corners))
