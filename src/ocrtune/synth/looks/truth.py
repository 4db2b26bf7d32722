"""Does the finished line still show its text? Measured on the image where the ink is known to be.

A line that fails is drawn again, milder each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from ocrtune.errors import InputError
from ocrtune.records import Image
from ocrtune.synth.looks.camera import LowResolution
from ocrtune.synth.looks.geometry import Perspective
from ocrtune.synth.looks.plan import Look, LookPlan
from ocrtune.synth.looks.profile import Profile

CONTRAST_FLOOR = 22.0
"""Grey levels between ink and what surrounds it, in the worst stretch of a line. Judged by eye on lines at
the floor: below about 20, whole letters can be lost in the grain of paper."""

SHAPE_FLOOR = 0.6
"""Correlation of the image with the ink as drawn, in the worst stretch of a line. Judged by eye: below 0.55
letters have lost strokes, are clogged, or drown in noise; grey, even prints reach 0.8 and more."""

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
    faults: list[Fault] = []
    for strength in STRENGTHS:
        plan = profile.draw(rng, strength)
        look = plan.apply(ink, line_height)
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
    contrast, shape = contrast_and_shape(look)
    if contrast < CONTRAST_FLOOR:
        return Fault.TOO_FAINT
    if shape < SHAPE_FLOOR:
        return Fault.SHAPE_LOST
    return None


def resolved_height(look: Look, plan: LookPlan, ink: Image) -> float:
    """Height of the line in px of the sensor, at the end of the ink where it is lower."""
    if not any(isinstance(effect, Perspective | LowResolution) for effect in plan.effects):
        return float(look.line_height)
    height, width = ink.shape
    corners = np.array([[0, 0], [0, height], [width, 0], [width, height]], np.float64)
    placed = look.placement.points(corners)
    lower = min(np.linalg.norm(placed[1] - placed[0]), np.linalg.norm(placed[3] - placed[2]))
    coarse = (effect.factor for effect in plan.effects if isinstance(effect, LowResolution))
    return float(look.line_height * lower / height) / next(coarse, 1.0)


def contrast_and_shape(look: Look) -> tuple[float, float]:
    """How far ink stands out from its paper, and how well its shape is kept, in the worst stretches.

    A stretch is half as wide as the image is high: about a letter. Only ink and the paper within 2 px of it
    count. Contrast is the difference of their mean grey levels, ink weighted by its coverage. Shape is the
    absolute correlation of grey levels with coverage, 0..1.
    """
    _, top, _, inked = cv2.boundingRect(look.truth)
    rows = slice(max(0, top - 2), top + inked + 2)
    image, truth = look.image[rows], look.truth[rows]
    grey = (image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)).astype(np.float32)
    ink = truth * np.float32(1 / 255)
    area = cv2.dilate(truth, _SQUARE) * np.float32(1 / 255)
    near = area * grey
    products = (area, ink, ink * ink, near, near * grey, ink * grey)
    columns = np.concatenate([cv2.reduce(product, 0, cv2.REDUCE_SUM) for product in products])  # (6, W)
    height, width = look.truth.shape
    step = max(1, height // 2)
    starts = np.arange(0, max(1, width - step // 2), step)  # the last stretch takes the rest
    sums = np.add.reduceat(columns, starts, axis=1, dtype=np.float64)  # (6, stretches)
    # A stretch with hardly any ink, such as a gap between words, or with no paper, says nothing.
    telling = (sums[1] > 0.1 * sums[1].max()) & (sums[0] - sums[1] > 0.01 * sums[0])
    if not telling.any():
        return 255.0, 1.0
    weight, covered, covered_2, level, level_2, joint = sums[:, telling]
    contrast = np.abs(joint / covered - (level - joint) / (weight - covered))
    covariance = joint / weight - covered * level / weight**2
    spread = (covered_2 / weight - (covered / weight) ** 2) * (level_2 / weight - (level / weight) ** 2)
    # Rounding may leave a flat stretch a variance just below 0; it has no shape either way.
    shape = np.abs(covariance) / np.sqrt(np.maximum(spread, 1e-6))
    return float(contrast.min()), float(shape.min())


_SQUARE = np.ones((5, 5), np.uint8)
