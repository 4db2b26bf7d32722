"""Pairs of ink and paper as real lines have them, for the `colours` effect."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ocrtune.errors import InputError
from ocrtune.synth.looks.truth import CONTRAST_FLOOR
from ocrtune.synth.match.measures import Floats, LineMeasures

PAIRS = 24
"""In a profile: enough for a distribution, few enough to be read and edited."""

WEIGHTS = np.array([0.299, 0.587, 0.114])
"""Of red, green and blue in a grey level (ITU-R BT.601)."""

LEAST_CONTRAST = 1.5 * CONTRAST_FLOOR
"""Grey levels between ink and paper of a pair: wear takes some, and below the floor lines are refused."""


def colour_pairs(lines: Sequence[LineMeasures], gain: float = 1.0) -> list[list[str]]:
    """The ink and paper of real lines, evenly along the lightness of their paper.

    Args:
        lines: measured, at least one.
        gain: how much farther from the paper the ink is than was measured: strokes that are thin for their
            blur are nowhere as dark as their ink.

    Raises:
        InputError: no line has enough contrast.
    """
    paper = np.array([line.paper_colour for line in lines])  # (N, 3)
    ink = np.array([line.ink_colour for line in lines])
    ink = np.clip(paper + gain * (ink - paper), 0, 255)
    clear = np.abs((ink - paper) @ WEIGHTS) >= LEAST_CONTRAST
    if not clear.any():
        raise InputError(
            "no line has enough contrast between ink and paper to make others like it; "
            "leave --match out and choose a --profile"
        )
    ink, paper = ink[clear], paper[clear]
    order = np.argsort(paper @ WEIGHTS, kind="stable")
    chosen = order[((np.arange(PAIRS) + 0.5) * len(order) / PAIRS).astype(int)]
    return [[_hex(ink[i]), _hex(paper[i])] for i in chosen]


def _hex(colour: Floats) -> str:
    return "#" + "".join(f"{round(channel):02x}" for channel in colour.tolist())
