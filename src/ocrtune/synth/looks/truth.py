"""Does the finished line still show its text? Measured on the image where the ink is known to be.

A line that fails is drawn again, milder each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from ocrtune.errors import InputError
from ocrtune.records import Image
from ocrtune.synth.looks.camera import LowResolution
from ocrtune.synth.looks.geometry import Perspective
from ocrtune.synth.looks.legibility import Legibility, measure_legibility
from ocrtune.synth.looks.plan import Look, LookPlan
from ocrtune.synth.looks.profile import Profile
from ocrtune.synth.looks.steps import DRAW, JUDGE, Shared, Steps, finish

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
        fault = _misplaced(look, plan, ink)
        if fault is None:
            fault = _illegible((yield Shared(JUDGE, measure_legibility, look)))
        if fault is None:
            return TrueLook(plan, look, tuple(faults))
        faults.append(fault)
    raise InputError(
        f"a line of the profile ({profile.description}) does not show its text at its mildest: {faults[-1]}; "
        "give it more contrast, height or margin"
    )


def find_fault(look: Look, plan: LookPlan, ink: Image) -> Fault | None:
    """The first reason why `look`, made by `plan` from `ink`, does not show its text; None when it does."""
    return _misplaced(look, plan, ink) or _illegible(measure_legibility([look])[0])


def _misplaced(look: Look, plan: LookPlan, ink: Image) -> Fault | None:
    if look.kept_ink < INK_FLOOR:
        return Fault.INK_OUTSIDE
    # A line that is low from the start only must not become lower.
    if resolved_height(look, plan, ink) < min(HEIGHT_FLOOR, 0.9 * look.line_height):
        return Fault.TOO_SMALL
    return None


def _illegible(legibility: Legibility) -> Fault | None:
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
