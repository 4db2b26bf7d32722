"""What saving does to the image: thresholds, palettes and JPEG."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated

import cv2
import numpy as np

from ocrtune.records import Image
from ocrtune.synth.looks.effects import Effect, Span


@dataclass(frozen=True, slots=True)
class FileEffect(Effect):
    """Bytes to bytes."""

    @abstractmethod
    def apply(self, image: Image) -> Image:
        """Change an image (H, W) or RGB (H, W, 3) uint8."""


@dataclass(frozen=True, slots=True)
class Binarise(FileEffect):
    """Black and white only, as fax machines and old scanners give it; colours are lost."""

    offset: Annotated[float, Span(-60, 60, mild=0)]
    """Grey levels above Otsu's threshold, the one that parts dark from light best."""

    def apply(self, image: Image) -> Image:
        """Threshold."""
        grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        otsu, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
        _, binary = cv2.threshold(grey, otsu + self.offset, 255, cv2.THRESH_BINARY)
        if image.ndim == 3:
            binary = cv2.cvtColor(binary, cv2.COLOR_GRAY2RGB)
        return np.asarray(binary, np.uint8)


@dataclass(frozen=True, slots=True)
class Palette(FileEffect):
    """Few levels per channel, as GIF and indexed PNG have."""

    levels: Annotated[int, Span(3, 64, mild=64)]
    """Evenly apart, black and white among them."""

    def apply(self, image: Image) -> Image:
        """Round to the levels."""
        step = 255 / (self.levels - 1)
        table = np.rint(np.rint(np.arange(256) / step) * step).astype(np.uint8)
        return np.asarray(cv2.LUT(image, table), np.uint8)


Quality = Annotated[int, Span(5, 100, mild=95)]


@dataclass(frozen=True, slots=True)
class Jpeg(FileEffect):
    """Saved as JPEG, once or again and again."""

    times: Annotated[int, Span(1, 3, mild=1)]
    """How often."""
    quality: tuple[Quality, Quality, Quality]
    """1..100, of each time."""

    def apply(self, image: Image) -> Image:
        """Save and open."""
        mode = cv2.IMREAD_GRAYSCALE if image.ndim == 2 else cv2.IMREAD_COLOR
        for quality in self.quality[: self.times]:
            _, encoded = cv2.imencode(".jpg", _swapped(image), [cv2.IMWRITE_JPEG_QUALITY, quality])
            image = _swapped(np.asarray(cv2.imdecode(encoded, mode), np.uint8))
        return image


def _swapped(image: Image) -> Image:
    """RGB to OpenCV's blue, green, red or back, so that JPEG sees true colours; grey as it is."""
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), np.uint8)


FILE_EFFECTS: tuple[type[FileEffect], ...] = (Binarise, Palette, Jpeg)
"""In the order in which they happen."""
