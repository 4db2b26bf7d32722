"""Lines cut out of page images: the part of a page that a label names, as an image of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from ocrtune.data.images import PIXEL_LIMIT, ImageError, decode_image
from ocrtune.data.label_file import FileImage
from ocrtune.data.rejects import RejectReason
from ocrtune.records import Image

Point = tuple[float, float]
"""x and y in px of the page, from its upper left corner."""

POINT_LIMIT = 10_000
"""Corners of an outline; a carefully drawn one has some hundred."""

COORDINATE_LIMIT = 10.0**6
"""px; the longest side of a page that can be decoded is far shorter."""

STANDING = 1.5
"""Height by width from which a box of several symbols holds a line that was turned; PaddleOCR cuts alike."""

TILT = 3.0
"""Degrees of a baseline up to which a line is cut as it stands, pixel by pixel."""

_SIZE_TOLERANCE = 0.01
"""By which the sides of a page and of its image may scale differently; rounding needs far less."""


class OutlineError(ValueError):
    """An outline that no line can have; the message says why."""


@dataclass(frozen=True, slots=True)
class Outline:
    """Where on a page a line is."""

    points: tuple[Point, ...]
    """Four corners are a box, in the order of upper left, upper right, lower right and lower left as the text
    runs, and are rectified. More are a polygon, outside of which the line is painted over with its paper."""
    baseline: tuple[Point, ...] = ()
    """What the symbols of a polygon stand on, from the line's start to its end; empty if not known."""
    page_size: tuple[float, float] | None = None
    """Width and height of the page in the unit of the points, if that may differ from the image's px."""
    is_mask: bool = False
    """Treat even four points as a polygon."""

    def __post_init__(self) -> None:
        if not 3 <= len(self.points) <= POINT_LIMIT or len(self.baseline) > POINT_LIMIT:
            raise OutlineError(f"an outline of {len(self.points)} points, not 3 to {POINT_LIMIT}")
        for point in (*self.points, *self.baseline, self.page_size or (1.0, 1.0)):
            if not all(math.isfinite(value) and abs(value) <= COORDINATE_LIMIT for value in point):
                raise OutlineError(f"the point {point[0]:g}, {point[1]:g} is on no page")


def box(left: float, top: float, width: float, height: float) -> tuple[Point, ...]:
    """The corners of an upright box."""
    right, bottom = left + width, top + height
    return ((left, top), (right, top), (right, bottom), (left, bottom))


@dataclass(frozen=True, slots=True)
class CroppedImage:
    """A line on a page image. Its pixels are cut when they are asked for, as PNG."""

    page: FileImage
    outline: Outline
    symbols: int
    """Of its text, without spaces: a tall box of one symbol is not a line that was turned."""

    @property
    def where(self) -> str:
        """The page and the upper left of the outline."""
        x, y = (min(point[axis] for point in self.outline.points) for axis in (0, 1))
        return f"{self.page.where} at {x:.0f}, {y:.0f}"

    @property
    def location(self) -> str:
        """The page and the whole outline."""
        points = " ".join(f"{x:g},{y:g}" for x, y in self.outline.points)
        return f"{self.page.location} {points}"

    def read(self) -> bytes:
        """The line as PNG.

        Raises:
            ImageError: the page cannot be used, or the outline is not on it.
        """
        page = _decoded_page(self.page)
        try:
            line = cut_line(page, self.outline, self.symbols)
        except OutlineError as error:
            raise ImageError(RejectReason.EMPTY_IMAGE, self.where, str(error)) from error
        pixels = line if line.ndim == 2 else line[..., ::-1]  # OpenCV writes BGR
        return bytes(cv2.imencode(".png", pixels)[1])


@lru_cache(maxsize=1)
def _decoded_page(page: FileImage) -> Image:
    """The page decoded last: lines come page by page, and a page takes up to 200 MB."""
    return decode_image(page.read(), page.where)


def cut_line(page: Image, outline: Outline, symbols: int = 2) -> Image:
    """The line in `outline` of `page`: uint8, (h, w) or (h, w, 3) as the page.

    Args:
        page: (H, W) grey or (H, W, 3) RGB.
        outline: in px of the page, or of its own page size.
        symbols: of the text; with two or more, a box taller than wide is turned to lie.

    Raises:
        OutlineError: it is off the page, less than a pixel, or its page has other proportions.
    """
    scale_x, scale_y = _scale(page, outline)
    points = np.array(outline.points, np.float64) * (scale_x, scale_y)  # (points, 2)
    if len(points) == 4 and not outline.is_mask:
        return _cut_box(page, points, symbols)
    baseline = np.array(outline.baseline, np.float64).reshape(-1, 2) * (scale_x, scale_y)
    return _cut_polygon(page, points, _tilt(baseline))


def _scale(page: Image, outline: Outline) -> tuple[float, float]:
    height, width = page.shape[:2]
    if outline.page_size is None:
        return 1.0, 1.0
    stated_width, stated_height = outline.page_size
    if stated_width <= 0 or stated_height <= 0:
        raise OutlineError(f"its page is stated as {stated_width:g} x {stated_height:g}")
    scale_x, scale_y = width / stated_width, height / stated_height
    if abs(scale_x / scale_y - 1) > _SIZE_TOLERANCE:
        raise OutlineError(
            f"its page is stated as {stated_width:g} x {stated_height:g}, the image has {width} x {height} px"
        )
    return scale_x, scale_y


def _cut_box(page: Image, corners: npt.NDArray[np.float64], symbols: int) -> Image:
    _require_on_page(page, corners)
    upper, right, lower, left = (
        float(np.hypot(*(corners[i] - corners[(i + 1) % 4]))) for i in range(4)
    )  # px
    width, height = round(max(upper, lower)), round(max(right, left))
    if width < 1 or height < 1:
        raise OutlineError(f"its box is {width} x {height} px")
    if width * height > PIXEL_LIMIT:
        raise OutlineError(f"its box is {width} x {height} px, larger than any page")
    rounded = np.round(corners).astype(int)
    if np.array_equal(rounded, corners) and _is_upright(rounded):
        # An upright box is cut as it is: resampling would only blur it.
        left_x, top_y = np.maximum(rounded[0], 0)
        line = page[top_y : rounded[2][1], left_x : rounded[2][0]].copy()
    else:
        target = np.array(box(0, 0, width, height), np.float32)
        # Corners count from the edges of pixels, OpenCV from their centres.
        transform = cv2.getPerspectiveTransform(corners.astype(np.float32) - 0.5, target - 0.5)
        if not np.isfinite(transform).all() or abs(np.linalg.det(transform)) < 1e-12:
            raise OutlineError("its corners are on one line")
        line = cv2.warpPerspective(
            page, transform, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
    if symbols > 1 and line.shape[0] >= STANDING * line.shape[1]:
        line = np.rot90(line)  # counter-clockwise: what ran downwards runs to the right
    return np.ascontiguousarray(line)


def _is_upright(corners: npt.NDArray[np.int_]) -> bool:
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = corners
    return bool(x0 == x3 < x1 == x2 and y0 == y1 < y2 == y3)


def _tilt(baseline: npt.NDArray[np.float64]) -> float:
    """Degrees by which a baseline falls from its start to its end; 0 if not known or nearly level."""
    if len(baseline) < 2:
        return 0.0
    (x0, y0), (x1, y1) = baseline[0], baseline[-1]
    angle = math.degrees(math.atan2(y1 - y0, x1 - x0))
    # A baseline drawn from the right (Hebrew, Arabic) is no line that stands on its head.
    angle = (angle + 90) % 180 - 90 if abs(angle) > 150 else angle
    return angle if abs(angle) > TILT else 0.0


def _cut_polygon(page: Image, points: npt.NDArray[np.float64], tilt: float) -> Image:
    _require_on_page(page, points)
    height, width = page.shape[:2]
    if tilt:
        # Only the surroundings are turned: a page is large.
        around = _bounds(points, width, height)
        part = page[around[1] : around[3], around[0] : around[2]]
        turn = cv2.getRotationMatrix2D((0.0, 0.0), tilt, 1.0)  # (2, 3)
        points = (points - around[:2]) @ turn[:, :2].T
        lower, upper = np.floor(points.min(axis=0)), np.ceil(points.max(axis=0))
        turn[:, 2] = -lower
        points = points - lower
        size = (int(upper[0] - lower[0]) + 1, int(upper[1] - lower[1]) + 1)
        if size[0] * size[1] > PIXEL_LIMIT:
            raise OutlineError(f"its outline is {size[0]} x {size[1]} px, larger than any page")
        line = cv2.warpAffine(part, turn, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    else:
        left, top, right, bottom = _bounds(points, width, height)
        line = page[top:bottom, left:right].copy()
        points = points - (left, top)
    inside = np.zeros(line.shape[:2], np.uint8)
    cv2.fillPoly(inside, [np.round(points).astype(np.int32)], 1)
    if not inside.any():
        raise OutlineError("its outline holds no pixel")
    # Ink covers less than half of a line, so that the median is its paper's level.
    line[inside == 0] = np.median(line[inside == 1], axis=0).astype(np.uint8)
    return np.ascontiguousarray(line)


def _require_on_page(page: Image, points: npt.NDArray[np.float64]) -> None:
    height, width = page.shape[:2]
    lower, upper = points.min(axis=0), points.max(axis=0)
    if upper[0] <= 0 or upper[1] <= 0 or lower[0] >= width or lower[1] >= height:
        raise OutlineError(
            f"{lower[0]:.0f}, {lower[1]:.0f} to {upper[0]:.0f}, {upper[1]:.0f} is outside of the page, "
            f"which has {width} x {height} px"
        )


def _bounds(points: npt.NDArray[np.float64], width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom px of the part of the page with `points`; at least one px each way."""
    left, top = (int(value) for value in np.floor(np.maximum(points.min(axis=0), 0)))
    right, bottom = (int(value) for value in np.ceil(points.max(axis=0)))
    return left, top, min(max(right, left) + 1, width), min(max(bottom, top) + 1, height)
