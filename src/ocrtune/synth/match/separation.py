"""Ink and paper of a line image, told apart without reading it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ocrtune.records import Image
from ocrtune.synth.looks.effects import FloatImage

LEAST_SIDE = 6
"""px: lower lines than profiles make, and filters of 5 x 5 px, say nothing."""

PIXEL_LIMIT = 4 * 10**6
"""Of a line: a page, or a photograph by mistake, is none."""

LEAST_CONTRAST = 12.0
"""Grey levels between paper and ink; less is a stain."""

LEAST_HOLD = 0.33
"""Share of the ink's darkness that a blur of 1 px must leave: of the dark half of noise it is 0.2, as the
blurred pixel is itself a sixth of the sum, and of strokes of 1 px 0.4."""

INK_SHARE = (0.002, 0.6)
"""Of the image; a speck is no text, and more than the upper limit is a picture."""

NEAR = np.ones((5, 5), np.uint8)
"""Paper within 2 px of ink is not measured as paper: blur and JPEG reach so far."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class SeparatedLine:
    """A line image as dark ink on light paper; a light text is turned dark first."""

    is_light: bool
    """Light text on dark."""
    level: FloatImage
    """(H, W) grey levels, of the negative where `is_light`."""
    surface: FloatImage
    """(H, W) what the paper's level is everywhere: a plane through what is seen of it."""
    paper: float
    """Grey level of the plane in the middle."""
    slope: float
    """Grey levels that the plane is higher at the right end than at the left."""
    contrast: float
    """Grey levels from the plane down to the ink."""
    coverage: FloatImage
    """(H, W) 0 paper to 1 ink; noise reaches beyond both."""
    ink: Mask
    """(H, W)"""
    is_paper: Mask
    """(H, W) away from ink."""


def separate(image: Image) -> SeparatedLine | None:
    """Tell ink from paper by Otsu's threshold, below a plane through the paper.

    Args:
        image: (H, W) or (H, W, 3) RGB uint8. The larger part of it is paper.

    Returns:
        None where there is no ink that can be told from paper, or no line: too small or too large.
    """
    height, width = image.shape[:2]
    if min(height, width) < LEAST_SIDE or height * width > PIXEL_LIMIT:
        return None
    grey = image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    _, dark = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    is_light = 2 * cv2.countNonZero(dark) > dark.size
    level = np.asarray(255 - grey if is_light else grey, np.float32)
    ink = np.asarray(1 - dark if is_light else dark, np.uint8)
    # The plane takes uneven light away, without which the first threshold cuts off a dark end as ink.
    for _ in range(2):
        surface, paper, slope = _paper_plane(level, cv2.dilate(ink, NEAR) == 0)
        depth = np.clip(surface - level, 0, 255)
        _, ink = cv2.threshold(depth.astype(np.uint8), 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    is_ink = ink > 0
    if not INK_SHARE[0] * ink.size <= cv2.countNonZero(ink) <= INK_SHARE[1] * ink.size:
        return None
    # Of thin strokes few pixels are all ink: the mean is too light, the darkest are noise.
    contrast = float(np.percentile(depth[is_ink], 80))
    darkness = level.mean() - level
    held = cv2.GaussianBlur(darkness, (0, 0), 1)[is_ink].mean() / darkness[is_ink].mean()
    if contrast < LEAST_CONTRAST or held < LEAST_HOLD:
        return None
    is_paper = cv2.dilate(ink, NEAR) == 0
    coverage = (surface - level) / np.float32(contrast)
    return SeparatedLine(is_light, level, surface, paper, slope, contrast, coverage, is_ink, is_paper)


LEAST_PAPER = 48
"""px of it that say something about its noise and grain."""


def noise_of(level: FloatImage, where: Mask) -> float:
    """Standard deviation of noise from pixel to pixel (Immerkær 1996), grey levels; NaN without area."""
    if np.count_nonzero(where) < LEAST_PAPER:
        return np.nan
    second = cv2.filter2D(level, cv2.CV_32F, _IMMERKAER, borderType=cv2.BORDER_REFLECT)
    return float(np.sqrt(np.pi / 2) / 6 * np.abs(second[where]).mean())


_IMMERKAER = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


def _paper_plane(level: FloatImage, where: Mask) -> tuple[FloatImage, float, float]:
    """Least squares plane through the pixels `where`: (H, W), its level in the middle, its slope along x."""
    height, width = level.shape
    if np.count_nonzero(where) < LEAST_PAPER:
        paper = float(np.percentile(level, 75))  # tight crops of fat letters still show some
        return np.full_like(level, paper), paper, 0.0
    x, y = np.linspace(-0.5, 0.5, width), np.linspace(-0.5, 0.5, height)
    weights = where.astype(np.float32)
    weighted = weights * level
    by_column, by_row = (weights.sum(axis=axis, dtype=np.float64) for axis in (0, 1))
    mixed = float(y @ (weights @ x.astype(np.float32)))
    normal = np.array(
        [
            [by_column.sum(), by_column @ x, by_row @ y],
            [by_column @ x, by_column @ x**2, mixed],
            [by_row @ y, mixed, by_row @ y**2],
        ]
    )
    columns, rows = (weighted.sum(axis=axis, dtype=np.float64) for axis in (0, 1))
    moments = np.array([columns.sum(), columns @ x, rows @ y])
    # lstsq rather than solve: paper in a single row or column leaves a direction open.
    (paper, slope, fall), *_ = np.linalg.lstsq(normal, moments, rcond=1e-6)
    surface = paper + slope * x + (fall * y)[:, np.newaxis]
    return surface.astype(np.float32), float(paper), float(slope)
