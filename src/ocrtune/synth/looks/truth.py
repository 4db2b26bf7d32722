"""Does the finished line still show its text? Measured on the image where the ink is known to be.

A line that fails is drawn again, milder each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from ocrtune.errors import InputError
from ocrtune.records import Image
from ocrtune.synth.looks.camera import LowResolution
from ocrtune.synth.looks.geometry import Perspective
from ocrtune.synth.looks.plan import Look, LookPlan
from ocrtune.synth.looks.profile import Profile
from ocrtune.synth.looks.steps import DRAW, JUDGE, Steps, finish

CONTRAST_FLOOR = 28.0
"""Grey levels between ink and what surrounds it, in the worst stretch of a line. Judged by eye on lines at
the floor: below about 26, whole letters can be lost in the grain of paper."""

SHAPE_FLOOR = 0.6
"""Correlation of the image with the ink as drawn, in the worst stretch of a line. Judged by eye: below 0.55
letters have lost strokes, are clogged, or drown in noise; grey, even prints reach 0.8 and more."""

PART_FLOOR = 0.4
"""Contrast of the worst part of a letter over that of the line's parts at their median. Judged by eye: below
0.3 an accent, the bar of an "e" or the hook of a "G" is gone; up to 0.4 some are hard to tell."""

HEIGHT_FLOOR = 9.0
"""px of line height that the sensor still resolves. Judged by eye: at 7, "8", "6" and "B" are one."""

INK_FLOOR = 0.95
"""Share of the ink that lies on the canvas."""

STRENGTHS = (1.0, 0.6, 0.3, 0.0, 0.0, 0.0)
"""Of the draws that a line gets, in order: the profile's own ranges, then milder ones. The mildest comes
again because options, such as a pair of colours, have no milder end: another may do."""


class Fault(StrEnum):
    """Why a line does not show its text."""

    INK_OUTSIDE = "ink outside the image"
    TOO_SMALL = "letters too small"
    TOO_FAINT = "too little contrast"
    SHAPE_LOST = "letters broken, clogged or lost in noise"
    PART_LOST = "a part of a letter lost"


@dataclass(frozen=True, slots=True)
class TrueLook:
    """A line that shows its text."""

    plan: LookPlan
    look: Look
    faults: tuple[Fault, ...]
    """Of the stronger draws before it, which were thrown away."""


def draw_true_look(
    profile: Profile, rng: np.random.Generator, ink: Image, line_height: int | None = None
) -> TrueLook:
    """Draw looks of a profile, milder and milder, until one shows its text.

    Args:
        profile: of the material.
        rng: of the line.
        ink: as `LookPlan.apply` takes it.
        line_height: likewise.

    Raises:
        InputError: even the mildest look does not; and as `LookPlan.apply`.
    """
    return finish(true_look_steps(profile, rng, ink, line_height))


def true_look_steps(
    profile: Profile, rng: np.random.Generator, ink: Image, line_height: int | None = None
) -> Steps[TrueLook]:
    """Draw looks as `draw_true_look` does, a stage at a time."""
    faults: list[Fault] = []
    for strength in STRENGTHS:
        yield DRAW
        plan = profile.draw(rng, strength)
        look = yield from plan.steps(ink, line_height)
        yield JUDGE
        fault = find_fault(look, plan, ink)
        if fault is None:
            return TrueLook(plan, look, tuple(faults))
        faults.append(fault)
    raise InputError(
        f"a line of the profile ({profile.description}) does not show its text at its mildest: {faults[-1]}; "
        "give it more contrast, height or margin"
    )


def find_fault(look: Look, plan: LookPlan, ink: Image) -> Fault | None:
    """The first reason why `look`, made by `plan` from `ink`, does not show its text; None when it does."""
    if look.kept_ink < INK_FLOOR:
        return Fault.INK_OUTSIDE
    # A line that is low from the start only must not become lower.
    if resolved_height(look, plan, ink) < min(HEIGHT_FLOOR, 0.9 * look.line_height):
        return Fault.TOO_SMALL
    legibility = Legibility.of(look)
    if legibility.contrast < CONTRAST_FLOOR:
        return Fault.TOO_FAINT
    if legibility.shape < SHAPE_FLOOR:
        return Fault.SHAPE_LOST
    if legibility.part < PART_FLOOR:
        return Fault.PART_LOST
    return None


def resolved_height(look: Look, plan: LookPlan, ink: Image) -> float:
    """Height of the line in px of the sensor, at the end of the ink where it is lower."""
    if not any(isinstance(effect, _LOWERING) for effect in plan.effects):
        return float(look.line_height)
    height, width = ink.shape
    corners = np.array([[0, 0], [0, height], [width, 0], [width, height]], np.float64)
    placed = look.placement.points(corners)
    lower = min(np.linalg.norm(placed[1] - placed[0]), np.linalg.norm(placed[3] - placed[2]))
    coarse = (effect.factor for effect in plan.effects if isinstance(effect, LowResolution))
    return float(look.line_height * lower / height) / next(coarse, 1.0)


_LOWERING = (Perspective, LowResolution)


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

    @classmethod
    def of(cls, look: Look) -> Legibility:
        """Measure a line; ink without paper around it, which says nothing, is perfect."""
        sums, grey_squares = _sums(look)  # (1 + bands, 5, stretches), (stretches,)
        area, ink, ink_squares, grey, joint = sums.transpose(1, 0, 2)
        # Of grey levels on coverage. Rounding may leave a flat stretch a variance just below 0; it has no
        # shape either way.
        covariance = np.abs(area * joint - ink * grey)
        ink_variance = np.maximum(area * ink_squares - ink * ink, 1e-6)
        contrasts = covariance / ink_variance
        # A stretch with hardly any ink, such as a gap between words, or with no paper, says nothing.
        telling = (ink[0] > 0.1 * ink[0].max()) & (ink[0] < 0.99 * area[0])
        told = contrasts[0][telling]
        if not told.size:
            return cls(255.0, 1.0, 1.0)
        grey_variance = np.maximum(area[0] * grey_squares - grey[0] * grey[0], 1e-6)
        correlations = covariance[0] / np.sqrt(ink_variance[0] * grey_variance)
        inked = (ink[1:] > LEAST_INK * _stretch(look) ** 2) & (ink[1:] < 0.95 * area[1:])
        ranked = contrasts[1:][inked]
        ranked.sort()
        part = ranked[0] / max(1.0, ranked[len(ranked) // 2]) if len(ranked) else 1.0
        return cls(float(told.min()), float(correlations[telling].min()), float(part))


LEAST_INK = 0.016
"""Of a part that counts, over the square of a stretch's width: half of the dot on an "i"."""

BANDS = 4
"""Accents, upper and lower halves of small letters, and what hangs below them."""

BAND_HEIGHT = 6
"""px at least: a dash has no parts, only edges that are soft."""

Sums = npt.NDArray[np.float64]


def _stretch(look: Look) -> int:
    """Width of a stretch, px."""
    return max(1, len(look.truth) // 2)


def _sums(look: Look) -> tuple[Sums, Sums]:
    """What a regression needs of every stretch, where the area is.

    Returns:
        Sums (1 + bands, 5, stretches) of area, ink, ink², grey, ink x grey: of all rows, then of each band.
        Sums (stretches,) of grey², of all rows.
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
    columns = np.empty((5 * bands + 1, width), np.float32)
    banded = columns[:-1].reshape(bands, 1, -1)
    for band in range(bands):
        part = flat[height * band // bands : height * (band + 1) // bands]
        cv2.reduce(part, 0, cv2.REDUCE_SUM, banded[band], cv2.CV_32F)
    squares = cv2.multiply(near, grey, dtype=cv2.CV_32F)
    cv2.reduce(squares, 0, cv2.REDUCE_SUM, columns[-1:], cv2.CV_32F)
    step = _stretch(look)
    starts = np.arange(0, max(1, width - step // 2), step)  # the last stretch takes what is left
    summed = np.empty((5 * bands + 6, len(starts)))
    np.add.reduceat(columns, starts, axis=1, dtype=np.float64, out=summed[5:])
    sums = summed[:-1].reshape(-1, 5, len(starts))
    np.add.reduce(sums[1:], axis=0, out=sums[0])
    sums *= _UNITS
    return sums, summed[-1] * (1 / 255)


_UNITS = np.array([1, 1, 1 / 255, 1, 1])[:, np.newaxis] / 255
"""(5, 1) of the sums: area and ink are counted in bytes, and mean 0..1."""

_SQUARE = np.ones((5, 5), np.uint8)
