"""Looks for text in so many px at a time, however many pages are read."""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt

from ocrtune.reading.detection import DetectionSize, TextDetector
from ocrtune.records import Image
from ocrtune.serve.decoders import PixelRoom

DETECTION_PX = 4_200_000
"""px of the detector's input at once, over all pages that are read: 2000 x 2000, its closest look, takes
0.5 GiB (measured), and two of them 1 GiB."""

_STRIDE = 32  # px; sides of the detector's input are rounded to it
_PATIENCE = 3600.0  # seconds; the request that waits is given up long before


class BoundedDetector(TextDetector):
    """A detector that looks at so many px at a time, however many threads use it."""

    def __init__(self) -> None:
        super().__init__()
        self._room = PixelRoom(DETECTION_PX)

    def _probabilities(self, image: Image, size: DetectionSize) -> npt.NDArray[np.float32]:
        """Each look in turn; a page enlarged to more px than there is room for is looked at smaller."""
        height, width = size.of(*image.shape[:2])
        if height * width > DETECTION_PX:
            scale = (DETECTION_PX / (height * width)) ** 0.5
            size = DetectionSize(shortest=0, longest=int(max(height, width) * scale) - _STRIDE)
            height, width = size.of(*image.shape[:2])
        px = height * width
        self._room.take(px, time.monotonic() + _PATIENCE)
        try:
            return super()._probabilities(image, size)
        finally:
            self._room.give_back(px)
