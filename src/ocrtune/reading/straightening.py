"""A line cut out of a page as an image of its own, whichever way it lies there."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from ocrtune.records import Image


def straighten(page: Image, corners: npt.NDArray[np.float64]) -> Image:
    """The part of `page` in a quadrilateral as an upright image.

    Args:
        page: (H, W) grey or (H, W, 3) RGB uint8.
        corners: (4, 2) px: upper left, upper right, lower right and lower left of the result. They count
            from the edges of pixels, so that (0, 0) to (W, H) is all of the page; at most their rounding
            may be outside of it.

    Returns:
        (h, w) or (h, w, 3) as the page; an upright box at whole px is a copy of its pixels.

    Raises:
        ValueError: less than a pixel, or corners on one line.
    """
    rounded = np.round(corners).astype(int)
    if is_upright(rounded) and np.abs(rounded - corners).max() < 1e-3:
        # Resampling would only blur it.
        left, top = np.maximum(rounded[0], 0)
        return page[top : rounded[2][1], left : rounded[2][0]].copy()
    width, height = box_size(corners)
    if width < 1 or height < 1:
        raise ValueError(f"its box is {width} x {height} px")
    target = np.array(((0, 0), (width, 0), (width, height), (0, height)), np.float32)
    # OpenCV counts from the centres of pixels.
    transform = cv2.getPerspectiveTransform(corners.astype(np.float32) - 0.5, target - 0.5)
    if not np.isfinite(transform).all() or abs(np.linalg.det(transform)) < 1e-12:
        raise ValueError("its corners are on one line")
    line = cv2.warpPerspective(
        page, transform, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(line, np.uint8)


def box_size(corners: npt.NDArray[np.float64]) -> tuple[int, int]:
    """(W, H) in px of the straightened quadrilateral: its longer sides."""
    upper, right, lower, left = (math.dist(corners[i], corners[(i + 1) % 4]) for i in range(4))
    return round(max(upper, lower)), round(max(right, left))


def is_upright(corners: npt.NDArray[np.int_]) -> bool:
    """Whether whole-px corners are those of an upright box, the upper left first."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = corners
    return bool(x0 == x3 < x1 == x2 and y0 == y1 < y2 == y3)
