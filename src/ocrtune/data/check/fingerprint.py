"""Whether two crops show the same print: a fingerprint to find candidates, a comparison of pixels to decide.

Two honest crops of "TOTAL" from one printer differ in some edge, a file saved anew or cut out again does not.
Measured on 12,858 receipt lines, 90,639 pairs of which share text and proportions: fingerprints of the inked
part correlate above 0.95 in 2,574. In the window that differs most, honest crops of four symbols or more
reach 0.984, and lines of receipts that are in the set twice begin at 0.993. Of 900 copies made on
purpose, found are 97 % of those saved at a JPEG quality of 40 to 90 or lit otherwise, 94 % of those with
noise of 5 levels, 91 % of those cut 1 px tighter and 84 % cut up to 10 %, and 59 % of those
resized by 0.6 to 1.5.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

from ocrtune.records import Image
from ocrtune.synth.match.separation import Mask, separate

Fingerprint = npt.NDArray[np.uint8]
"""(64,) two levels of 4 bits a byte."""

FINGERPRINT_BYTES = 64

LEAST_ALIKE = 0.95
"""Correlation of two fingerprints from which on the pixels are compared."""

LEAST_SAME = 0.988
"""Correlation, in the window that differs most, of two lines that are one print."""

LEAST_SYMBOLS = 4
"""Of a text that is compared: two honest crops of a "1" or a colon agree by chance."""

ASPECT_TOLERANCE = 0.1
"""Of the proportions, that scaling and cutting may change."""

_COLUMNS, _ROWS = 16, 8
_PER_DEVIATION = 3.0
"""Steps of the fingerprint for a standard deviation: ±2.5 of them fit its 16 levels."""

_HEIGHT = 32
_LONGEST = 1024
"""px; a line's size when compared."""

_SHIFT = 3
"""px that the two may be apart then."""

_WINDOW = 26
"""px of width that must agree by themselves; about a letter and a half."""

_SPECK_ROW = 0.1
"""Of the ink of the fullest rows, that a row of the text has more than."""

_BLOCK = 256
"""Fingerprints compared at once."""

_NEIGHBOURS = 1024
"""Lines of one text, next in proportions, that each is compared with at least: copies have nearly the same,
and a text that stands in 100,000 lines has 5,000,000,000 pairs."""


_CANDIDATES = 8
"""Most alike lines that each is compared with pixel by pixel: a copy is among them, and of a word that a
program draws 10,000 times nearly all are alike. Of more than nine copies of one print some may not be
counted."""


def fingerprint(grey: Image) -> Fingerprint:
    """The fingerprint of a grey line's inked part (H, W); it does not depend on brightness or contrast."""
    small = cv2.resize(grey, (_COLUMNS, _ROWS), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    deviations = (small - small.mean()) / max(float(small.std()), 1e-6)
    levels = np.clip(np.rint(deviations * _PER_DEVIATION) + 8, 0, 15).astype(np.uint8)
    return np.asarray(levels[0::2] << 4 | levels[1::2], np.uint8)


def alike_pairs(
    fingerprints: npt.NDArray[np.uint8], aspects: npt.NDArray[np.float64]
) -> Iterator[tuple[int, int]]:
    """Pairs (earlier, later) of lines that may be one print, in no order.

    Args:
        fingerprints: (N, 64) of lines with one text.
        aspects: (N,) width over height of their inked parts.
    """
    order = np.argsort(aspects, kind="stable")
    logs = np.log(aspects[order])
    levels = np.empty((len(order), 2 * FINGERPRINT_BYTES), np.float32)
    levels[:, 0::2], levels[:, 1::2] = fingerprints[order] >> 4, fingerprints[order] & 15
    levels -= levels.mean(axis=1, keepdims=True)
    levels /= np.maximum(np.linalg.norm(levels, axis=1, keepdims=True), 1e-6)
    for start in range(0, len(levels), _BLOCK):
        block, others = slice(start, start + _BLOCK), slice(start, start + _BLOCK + _NEIGHBOURS)
        likeness = np.triu(levels[block] @ levels[others].T, 1)  # (block, others)
        likeness[np.abs(logs[block, None] - logs[others]) > ASPECT_TOLERANCE] = 0
        # Of equally alike ones the nearest, so that many copies make a chain.
        ranked = likeness - 1e-6 * np.arange(likeness.shape[1], dtype=np.float32)
        nearest = np.argsort(-ranked, axis=1, kind="stable")[:, :_CANDIDATES]
        for first, members in enumerate(nearest.tolist()):
            for second in members:
                if likeness[first, second] >= LEAST_ALIKE:
                    earlier, later = sorted((int(order[start + first]), int(order[start + second])))
                    yield earlier, later


def ink_box(ink: Mask) -> tuple[slice, slice]:
    """Rows and columns that the ink fills, whatever paper was cut out around it; specks are not counted."""
    by_row = ink.sum(axis=1)
    columns = np.flatnonzero(ink.any(axis=0))
    if columns.size == 0:
        return slice(None), slice(None)
    rows = np.flatnonzero(by_row > _SPECK_ROW * np.percentile(by_row[by_row > 0], 90))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


class Print:
    """What a line shows, to be compared with others.

    Args:
        image: decoded.
    """

    def __init__(self, image: Image) -> None:
        colours = image.ndim == 3
        self.grey: Image = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8) if colours else image

    @cached_property
    def inked(self) -> Image:
        """The part with ink."""
        separated = separate(self.grey)
        return self.grey if separated is None else self.grey[ink_box(separated.ink)]


def is_same_print(one: Print, other: Print) -> bool:
    """Whether two lines are alike in every window, as only copies of one print are.

    Their ink is compared and, where specks made its box another, the whole crops.
    """
    return (
        _least_correlation(one.grey, other.grey) >= LEAST_SAME
        or _least_correlation(one.inked, other.inked) >= LEAST_SAME
    )


def _least_correlation(first: Image, second: Image) -> float:
    """The correlation of the window along two lines in which they differ most."""
    width = int(np.clip(_HEIGHT * first.shape[1] / first.shape[0], 16, _LONGEST))
    a, b = (
        cv2.resize(image, (width, _HEIGHT), interpolation=cv2.INTER_AREA).astype(np.float32)
        for image in (first, second)
    )
    b = b[_SHIFT:-_SHIFT, _SHIFT:-_SHIFT]
    _, _, _, (x, y) = cv2.minMaxLoc(cv2.matchTemplate(a, b, cv2.TM_CCOEFF_NORMED))
    a = a[y : y + b.shape[0], x : x + b.shape[1]]
    starts = np.arange(0, max(1, b.shape[1] - _WINDOW // 2), _WINDOW // 2)
    ends = np.minimum(starts + _WINDOW, b.shape[1])
    pixels = (ends - starts) * b.shape[0]

    def over_windows(product: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """The mean of (H, W) over each window."""
        sums = np.concatenate([[0.0], np.cumsum(product.sum(axis=0, dtype=np.float64))])
        return np.asarray((sums[ends] - sums[starts]) / pixels)

    a, b = a - a.mean(), b - b.mean()
    mean_a, mean_b = over_windows(a), over_windows(b)
    variance_a = over_windows(a * a) - mean_a**2
    variance_b = over_windows(b * b) - mean_b**2
    # Of bare paper only the noise would be compared.
    compared = np.maximum(variance_a, variance_b) >= b.var() / 4
    if not b.any() and not a.any():  # blank both
        return 1.0
    spreads = np.sqrt(np.maximum(variance_a * variance_b, 1e-12))
    correlations = (over_windows(a * b) - mean_a * mean_b) / spreads
    return float(correlations.min(initial=1.0, where=compared))
