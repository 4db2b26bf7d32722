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

NOISE_FLOOR = 0.9
"""Contrast over the standard deviation of the surroundings, likewise."""

HEIGHT_FLOOR = 9.0
"""px of ink height that the sensor still resolves. Judged by eye: at 7, "8", "6" and "B" are one."""

INK_FLOOR = 0.95
"""Share of the ink that lies on the canvas."""

STRENGTHS = (1.0, 0.6, 0.3, 0.0)
"""Of the draws that a line gets, in order: the profile's own ranges, then milder ones."""


class Fault(StrEnum):
    """Why a line does not show its text."""

    INK_OUTSIDE = "ink outside the image"
    TOO_SMALL = "letters too small"
    TOO_FAINT = "too little contrast"
    TOO_NOISY = "contrast lost in noise"


@dataclass(frozen=True, slots=True)
class TrueLook:
    """A line that shows its text."""

    plan: LookPlan
    look: Look
    faults: tuple[Fault, ...]
    """Of the stronger draws before it, which were thrown away."""


def draw_true_look(profile: Profile, rng: np.random.Generator, ink: Image) -> TrueLook:
    """Draw looks of a profile, milder and milder, until one shows its text.

    Args:
        profile: of the material.
        rng: of the line.
        ink: as `LookPlan.apply` takes it.

    Raises:
        InputError: even the mildest look does not; and as `LookPlan.apply`.
    """
    faults: list[Fault] = []
    for strength in STRENGTHS:
        plan = profile.draw(rng, strength)
        look = plan.apply(ink)
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
    if resolved_height(look, plan, ink) < min(HEIGHT_FLOOR, len(ink)):
        return Fault.TOO_SMALL
    contrast, noise = contrast_and_noise(look)
    if contrast < CONTRAST_FLOOR:
        return Fault.TOO_FAINT
    if contrast < NOISE_FLOOR * noise:
        return Fault.TOO_NOISY
    return None


def resolved_height(look: Look, plan: LookPlan, ink: Image) -> float:
    """Height of the ink in px of the sensor, at the end of the line where it is lower."""
    height, width = ink.shape
    if not any(isinstance(effect, Perspective | LowResolution) for effect in plan.effects):
        return float(height)
    corners = np.array([[0, 0], [0, height], [width, 0], [width, height]], np.float64)
    placed = look.placement.points(corners)
    lower = min(np.linalg.norm(placed[1] - placed[0]), np.linalg.norm(placed[3] - placed[2]))
    coarse = (effect.factor for effect in plan.effects if isinstance(effect, LowResolution))
    return float(lower) / next(coarse, 1.0)


def contrast_and_noise(look: Look) -> tuple[float, float]:
    """How ink stands out in the worst stretch of the line, and how much its surroundings vary there.

    A stretch is half as wide as the image is high: about a letter. Contrast is the difference of the mean
    grey levels of the ink, weighted by its coverage, and of the paper around it; noise is the paper's
    standard deviation.
    """
    grey = look.image if look.image.ndim == 2 else cv2.cvtColor(look.image, cv2.COLOR_RGB2GRAY)
    truth = look.truth
    near = cv2.subtract(cv2.dilate(truth, _SQUARE), truth)  # 255 on the paper around letters, 0 far from them
    levels, on, off = grey.astype(np.float32), truth.astype(np.float32), near.astype(np.float32)
    off_levels = off * levels
    products = (on, on * levels, off, off_levels, off_levels * levels)
    columns = np.concatenate([cv2.reduce(product, 0, cv2.REDUCE_SUM) for product in products])  # (5, W)
    height, width = truth.shape
    step = max(1, height // 2)
    starts = np.arange(0, max(1, width - step // 2), step)  # the last stretch takes the rest
    ink, ink_level, paper, paper_level, paper_square = np.add.reduceat(
        columns, starts, axis=1, dtype=np.float64
    )
    # A stretch with hardly any ink, such as a gap between words, says nothing.
    inked = (ink > 0.1 * ink.max()) & (paper > 0)
    if not inked.any():
        return 255.0, 0.0
    ink, ink_level, paper, paper_level, paper_square = (
        part[inked] for part in (ink, ink_level, paper, paper_level, paper_square)
    )
    mean = paper_level / paper
    contrast = np.abs(ink_level / ink - mean)
    worst = int(contrast.argmin())
    variance = paper_square[worst] / paper[worst] - mean[worst] ** 2
    return float(contrast[worst]), float(np.sqrt(max(0.0, variance)))


_SQUARE = np.ones((5, 5), np.uint8)
