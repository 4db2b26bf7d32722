"""What keeps the memory of a service that runs for weeks low and flat."""

from __future__ import annotations

import ctypes
import platform
import time

import numpy as np
import numpy.typing as npt

from ocrtune.reading.detection import DetectionSize, TextDetector
from ocrtune.records import Image
from ocrtune.serve.decoders import PixelRoom

DETECTION_PX = 4_200_000
"""px of the detector's input at once, over all pages that are read: 2000 x 2000, its closest look, takes
0.5 GiB (measured), and two of them 1 GiB."""

LARGE_BLOCK = 4 * 2**20
"""Bytes from which memory goes back to the system as soon as it is free. Kept for later, as is usual, blocks
of one page's shapes do not fit the next one's. Measured: 220 MiB at rest after pages of several sizes instead
of 320 to 510, and 0.7 GB instead of 1.0 at the peak of a page of 2000 x 2000 px."""

ARENAS = 2
"""Pools of memory that threads share. glibc takes up to eight for each core, each with holes of its own:
400 MiB after 1,000 mixed requests instead of 323."""

_STRIDE = 32  # px; sides of the detector's input are rounded to it
_M_MMAP_THRESHOLD = -3  # mallopt(3)
_M_TRIM_THRESHOLD = -1
_M_ARENA_MAX = -8
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


def return_memory_soon() -> None:
    """Have large blocks given back to the system when they are freed, where glibc hands memory out."""
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(_M_MMAP_THRESHOLD, LARGE_BLOCK)
    libc.mallopt(_M_TRIM_THRESHOLD, LARGE_BLOCK)
    libc.mallopt(_M_ARENA_MAX, ARENAS)
