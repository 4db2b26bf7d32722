"""How well the ink of finished lines can be told from their paper, measured where the ink is known to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ocrtune.synth.looks.plan import Look


@dataclass(frozen=True, slots=True)
class Legibility:
    """How well the ink of a finished line can be told from its paper, at the worst places of the line.

    The line is cut into stretches half as wide as the image is high, about a letter, and these into up to
    `BANDS` parts one above the other. Only ink and the paper within 2 px of it count.
    """

    contrast: float
    """Of the worst stretch: grey levels between paper and full ink, whichever is darker, as a straight line
    through grey levels over coverage has them."""
    shape: float
    """Of the worst stretch: correlation of grey levels with the ink's coverage, 0..1."""
    part: float
    """Contrast of the worst part over the median contrast of parts."""


LEAST_INK = 0.016
"""Of a part that counts, over the square of a stretch's width: half of the dot on an "i"."""

BANDS = 4
"""Accents, upper and lower halves of small letters, and what hangs below them."""

BAND_HEIGHT = 6
"""px at least: a dash has no parts, only edges that are soft."""


def measure_legibility(looks: Sequence[Look]) -> list[Legibility]:
    """Measure lines. Of many at once most is done for the stretches of all lines together, which is faster.

    Ink without paper around it, which says nothing, is perfect.
    """
    columns = [_sums_of_columns(look) for look in looks]
    steps = np.array([max(1, len(look.truth) // 2) for look in looks])  # px of a stretch
    # The last stretch of a line takes what is left.
    counts = [
        len(range(0, max(1, line.shape[1] - step // 2), step))
        for line, step in zip(columns, steps.tolist(), strict=True)
    ]
    firsts = np.cumsum([0, *counts])  # stretch that each line begins with
    lefts = np.cumsum([0, *(line.shape[1] for line in columns)])
    numbers = np.arange(firsts[-1]) - np.repeat(firsts[:-1], counts)  # of stretches, in their lines
    starts = np.repeat(lefts[:-1], counts) + np.repeat(steps, counts) * numbers
    sums = np.add.reduceat(np.concatenate(columns, axis=1), starts, axis=1, dtype=np.float64)
    parts = sums[:-1].reshape(BANDS, 5, -1)
    area, ink, ink_squares, grey, joint = (
        np.concatenate((parts.sum(axis=0, keepdims=True), parts)) * _UNITS
    ).transpose(1, 0, 2)  # of whole stretches, then of their parts: (1 + BANDS, stretches) each
    # Of grey levels on coverage. Rounding may leave a flat stretch a variance just below 0; it has no
    # shape either way.
    covariance = np.abs(area * joint - ink * grey)
    ink_variance = np.maximum(area * ink_squares - ink * ink, 1e-6)
    grey_variance = np.maximum(area[0] * (sums[-1] / 255) - grey[0] * grey[0], 1e-6)
    contrasts = covariance / ink_variance
    correlations = covariance[0] / np.sqrt(ink_variance[0] * grey_variance)
    # A stretch with hardly any ink, such as a gap between words, or with no paper, says nothing.
    most_ink = np.repeat(np.maximum.reduceat(ink[0], firsts[:-1]), counts)
    is_told = (ink[0] > 0.1 * most_ink) & (ink[0] < 0.99 * area[0])
    contrast = np.minimum.reduceat(np.where(is_told, contrasts[0], 255.0), firsts[:-1])
    shape = np.minimum.reduceat(np.where(is_told, correlations, 1.0), firsts[:-1])
    least_ink = np.repeat(LEAST_INK * steps**2, counts)
    is_inked = (ink[1:] > least_ink) & (ink[1:] < 0.95 * area[1:])
    part = [
        _worst_part(contrasts[1:, first:end][is_inked[:, first:end]]) if told else 1.0
        for first, end, told in zip(
            firsts, firsts[1:], np.logical_or.reduceat(is_told, firsts[:-1]), strict=False
        )
    ]
    return [Legibility(*measures) for measures in zip(contrast.tolist(), shape.tolist(), part, strict=True)]


def _worst_part(contrasts: npt.NDArray[np.float64]) -> float:
    """The least over the median; 1 if there is none."""
    contrasts.sort()
    return float(contrasts[0] / max(1.0, contrasts[len(contrasts) // 2])) if len(contrasts) else 1.0


def _sums_of_columns(look: Look) -> npt.NDArray[np.float32]:
    """What a regression needs of every column of the image, where the area is.

    Returns:
        (5 x BANDS + 1, W): for each band area, ink, ink², grey and ink x grey, nothing in bands that a low
        line does not have; then grey² of all rows.
    """
    _, top, _, inked = cv2.boundingRect(look.truth)
    rows = slice(max(0, top - 2), top + inked + 2)
    image, truth = look.image[rows], look.truth[rows]
    image = image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    height, width = truth.shape
    # Products of two bytes, in whole numbers: half the memory of float32. All in one array, of which each
    # band is summed in one call.
    table = np.empty((height, 5, width), np.uint16)
    area, ink, ink_squares, near, joint = table.transpose(1, 0, 2)
    area[:] = cv2.dilate(truth, _SQUARE)
    ink[:] = truth
    grey = image.astype(np.uint16)
    cv2.multiply(ink, ink, ink_squares)
    cv2.multiply(area, grey, near)
    cv2.multiply(ink, grey, joint)
    flat = table.reshape(height, -1)
    bands = min(BANDS, max(1, height // BAND_HEIGHT))
    columns = np.empty((5 * BANDS + 1, width), np.float32)
    columns[5 * bands : -1] = 0
    banded = columns[:-1].reshape(BANDS, 1, -1)
    for band in range(bands):
        part = flat[height * band // bands : height * (band + 1) // bands]
        cv2.reduce(part, 0, cv2.REDUCE_SUM, banded[band], cv2.CV_32F)
    squares = cv2.multiply(near, grey, dtype=cv2.CV_32F)
    cv2.reduce(squares, 0, cv2.REDUCE_SUM, columns[-1:], cv2.CV_32F)
    return columns


_UNITS = np.array([1, 1, 1 / 255, 1, 1])[:, np.newaxis] / 255
"""(5, 1) of the sums: area and ink are counted in bytes, and mean 0..1."""

_SQUARE = np.ones((5, 5), np.uint8)
