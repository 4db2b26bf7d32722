"""Where geometry put the ink: one object that moves both a mask and points, so that boxes follow the ink."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import cv2
import numpy as np
import numpy.typing as npt

from ocrtune.records import Image

Points = npt.NDArray[np.float64]
"""(N, 2) x and y in px; whole numbers are centres of pixels."""


_ALONG = np.linspace(0, 1, 9)
_TOP, _RIGHT = np.column_stack((_ALONG, 0 * _ALONG)), np.column_stack((0 * _ALONG + 1, _ALONG))

OUTLINE = np.concatenate([_TOP, _RIGHT, 1 - _TOP, 1 - _RIGHT])
"""(36, 2) around a box of size 1, from top left, clockwise. Nine points a side, because a bent side is not
where its ends are."""


@dataclass(frozen=True, slots=True)
class Homography:
    """A projective map of the plane, onto a canvas that holds all of the ink."""

    matrix: npt.NDArray[np.float64]
    """(3, 3), from the old px to the new."""
    size: tuple[int, int]
    """Width and height of the canvas."""

    @classmethod
    def holding(cls, matrix: npt.NDArray[np.float64], width: int, height: int) -> Homography:
        """`matrix`, moved so that all of a (height, width) mask lies on the canvas."""
        # Linear interpolation spreads an edge pixel's ink up to one pixel beyond its centre.
        (a, b, c), (d, e, f), (g, h, i) = matrix.tolist()
        corners = ((-1, -1), (width, -1), (-1, height), (width, height))
        depths = [g * x + h * y + i for x, y in corners]
        xs = [(a * x + b * y + c) / depth for (x, y), depth in zip(corners, depths, strict=True)]
        ys = [(d * x + e * y + f) / depth for (x, y), depth in zip(corners, depths, strict=True)]
        right, down = ceil(-min(xs)), ceil(-min(ys))
        shifted = (a + right * g, b + right * h, c + right * i), (d + down * g, e + down * h, f + down * i)
        size = ceil(max(xs)) + 1 + right, ceil(max(ys)) + 1 + down
        return cls(np.array((*shifted, (g, h, i)), np.float64), size)

    def points(self, points: Points) -> Points:
        """Move points."""
        return _projected(self.matrix, points)

    def mask(self, mask: Image) -> Image:
        """Move a mask (H, W)."""
        if self.matrix[2].tolist() == [0, 0, 1]:
            return np.asarray(cv2.warpAffine(mask, self.matrix[:2], self.size), np.uint8)
        return np.asarray(cv2.warpPerspective(mask, self.matrix, self.size), np.uint8)


@dataclass(frozen=True, slots=True)
class Bend:
    """A map that is not projective, given both ways: exactly for points, by pixel for masks."""

    forward: Callable[[Points], Points]
    map_x: npt.NDArray[np.float32]
    """(H, W) of the new canvas: the old x of every new pixel."""
    map_y: npt.NDArray[np.float32]

    def points(self, points: Points) -> Points:
        """Move points."""
        return self.forward(points)

    def mask(self, mask: Image) -> Image:
        """Move a mask (H, W)."""
        return np.asarray(cv2.remap(mask, self.map_x, self.map_y, cv2.INTER_LINEAR), np.uint8)


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle cut out of the plane, which may reach beyond the mask: that part is paper."""

    left: int
    top: int
    right: int
    """Exclusive, as is `bottom`."""
    bottom: int

    def points(self, points: Points) -> Points:
        """Move points."""
        return points - (self.left, self.top)

    def mask(self, mask: Image) -> Image:
        """Cut a mask (H, W)."""
        height, width = mask.shape
        cut = np.zeros((self.bottom - self.top, self.right - self.left), np.uint8)
        left, top = max(0, self.left), max(0, self.top)
        right, bottom = min(width, self.right), min(height, self.bottom)
        if left < right and top < bottom:
            inner = cut[top - self.top : bottom - self.top, left - self.left : right - self.left]
            inner[:] = mask[top:bottom, left:right]
        return cut


@dataclass(frozen=True, slots=True)
class Placement:
    """All that moved the ink, in order."""

    steps: tuple[Homography | Bend | Window, ...] = ()

    def points(self, points: Points) -> Points:
        """Move points (N, 2) from the ink mask to the image."""
        for step in self.steps:
            points = step.points(points)
        return points

    def mask(self, mask: Image) -> Image:
        """Move an ink mask (H, W) to the image's size."""
        for step in self.steps:
            mask = step.mask(mask)
        return mask

    def boxes(self, boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Move boxes (N, 4) of left, top, right, bottom: each becomes the upright box around its outline."""
        low, high = boxes[:, np.newaxis, :2], boxes[:, np.newaxis, 2:]
        outline = low + OUTLINE * (high - low)  # (N, 36, 2)
        moved = self.points(outline.reshape(-1, 2)).reshape(len(boxes), -1, 2)
        return np.hstack((moved.min(axis=1), moved.max(axis=1)))


def _projected(matrix: npt.NDArray[np.float64], points: Points) -> Points:
    moved = points @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray(moved[:, :2] / moved[:, 2:], np.float64)
