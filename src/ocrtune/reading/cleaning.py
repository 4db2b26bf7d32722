"""What classical services do to a page before reading it, each switchable (off by default: docs/pages.md)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import cv2
import numpy as np
import numpy.typing as npt

from ocrtune.errors import InputError
from ocrtune.reading.reading_order import tilt
from ocrtune.records import Image

Matrix = npt.NDArray[np.float64]
"""(3, 3), homogeneous: places on a changed page to places on the page as it was, px."""

SMALL_TEXT = 24.0
"""px; `upscale` enlarges a page whose median line is less high, to this height."""

LARGEST_SCALE = 3.0

PIXEL_LIMIT = 40 * 10**6
"""Of an enlarged page."""

SMALLEST_SKEW = math.radians(0.3)

_BACKGROUND_SIDE = 512  # px; light changes slowly, so that its map need not be large
_STROKE = 15  # px of that map: larger than the gaps within print
_STRETCH = (1.0, 99.0)  # per cent of the px that become black and white at most


@dataclass(frozen=True, slots=True)
class Cleaning:
    """Which changes are made to a page. By default none: the networks have seen worse pages than most."""

    gray: bool = False
    """Take the colours out."""
    shadow: bool = False
    """Divide by the paper's brightness around each px."""
    contrast: bool = False
    """Stretch the levels so that the darkest per cent is black and the lightest white."""
    deskew: bool = False
    """Turn the page by a few degrees so that its lines are level."""
    upscale: bool = False
    """Enlarge a page with small print, and look for lines at that size."""

    @classmethod
    def of(cls, names: Iterable[str]) -> Cleaning:
        """From the names of the changes that are wanted.

        Raises:
            InputError: no such change.
        """
        known = [field.name for field in fields(cls)]
        wanted = list(names)
        for name in wanted:
            if name not in known:
                raise InputError(f"there is no cleaning {name!r}; choose from {', '.join(known)}")
        return cls(**dict.fromkeys(wanted, True))


def clean_pixels(image: Image, cleaning: Cleaning) -> Image:
    """Grey, shadow and contrast, in this order; the page's shape stays.

    Args:
        image: (H, W) or (H, W, 3) RGB uint8.
        cleaning: what is wanted.
    """
    if cleaning.gray and image.ndim == 3:
        image = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    if cleaning.shadow:
        image = _without_shadow(image)
    if cleaning.contrast:
        darkest, lightest = np.percentile(image, _STRETCH)
        scale = 255 / max(1.0, lightest - darkest)
        image = cv2.convertScaleAbs(np.maximum(image, np.uint8(darkest)), alpha=scale, beta=-darkest * scale)
    return np.asarray(image, np.uint8)


def level(image: Image, boxes: Sequence[npt.NDArray[np.float64]]) -> tuple[Image, Matrix]:
    """Turn a page so that its lines are level; a page that nearly is stays as it is.

    Args:
        image: (H, W) or (H, W, 3) uint8.
        boxes: of its lines, each (4, 2) px.

    Returns:
        The page, as large as needed to lose no corner, and the way back to places on `image`.
    """
    height, width = image.shape[:2]
    a, b = tilt(np.stack(boxes)) if boxes else (0.0, 0.0)
    angle = math.atan(a + b * height / 2)
    if abs(angle) < SMALLEST_SKEW:
        return image, np.eye(3)
    forth = np.vstack((cv2.getRotationMatrix2D((width / 2, height / 2), math.degrees(angle), 1.0), (0, 0, 1)))
    corners = np.array(((0, 0, 1), (width, 0, 1), (width, height, 1), (0, height, 1))) @ forth.T  # (4, 3)
    lower, upper = corners[:, :2].min(axis=0), corners[:, :2].max(axis=0)
    forth[:2, 2] -= lower
    size = tuple(int(side) for side in np.ceil(upper - lower))
    turned = cv2.warpAffine(
        image, _between_centres(forth)[:2], size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(turned, np.uint8), np.linalg.inv(forth)


def enlarge(image: Image, boxes: Sequence[npt.NDArray[np.float64]]) -> tuple[Image, Matrix]:
    """Enlarge a page whose print is small; arguments and result as of `level`."""
    if not boxes:
        return image, np.eye(3)
    heights = [min(math.dist(box[0], box[3]), math.dist(box[0], box[1])) for box in boxes]
    scale = min(
        SMALL_TEXT / float(np.median(heights)),
        LARGEST_SCALE,
        math.sqrt(PIXEL_LIMIT / (image.shape[0] * image.shape[1])),
    )
    if scale <= 1:
        return image, np.eye(3)
    height, width = (round(side * scale) for side in image.shape[:2])
    larger = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(larger, np.uint8), np.diag((image.shape[1] / width, image.shape[0] / height, 1.0))


def _without_shadow(image: Image) -> Image:
    """The page over its background: print is thinner than the brush that lightens it away."""
    height, width = image.shape[:2]
    scale = min(1.0, _BACKGROUND_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    background = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    background = cv2.dilate(background, np.ones((_STROKE, _STROKE), np.uint8))
    background = cv2.medianBlur(background, 2 * _STROKE + 1)
    background = cv2.resize(background, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.divide(image, background, scale=255), np.uint8)


def _between_centres(matrix: Matrix) -> Matrix:
    """A matrix of places counted from the edges of px, for OpenCV, which counts from their centres."""
    shift = np.array(((1, 0, 0.5), (0, 1, 0.5), (0, 0, 1)))
    return np.asarray(np.linalg.inv(shift) @ matrix @ shift, np.float64)
