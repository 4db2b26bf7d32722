"""Paper without text, made from real lines: their ink is filled with the paper around it."""

from __future__ import annotations

import cv2
import numpy as np

from ocrtune.records import Image
from ocrtune.synth.match.measures import LineMeasures
from ocrtune.synth.match.separation import SeparatedLine

LEAST_PAPER = 0.6
"""Share of an image that is paper away from ink: with less, the filling shows where the text was."""

LEAST_GRAIN = 2.0
"""Grey levels, median of lines: smoother paper is drawn as well by a tone."""

LEAST_PATCHES = 5
"""Fewer would make the same stain a mark of the material."""

REACH = 24
"""Steps that a piece of paper is looked for, to both sides."""


def paper_patch(line: SeparatedLine) -> Image | None:
    """The paper of a line, its ink filled: low frequencies from around, grain from the nearest paper.

    Returns:
        (H, W) uint8 as if it were dark on light; None where too little of it is paper.
    """
    known = line.is_paper
    if np.count_nonzero(known) < LEAST_PAPER * known.size:
        return None
    height = len(known)
    weights = known.astype(np.float32)
    sigma = max(2.0, height / 3)
    around = cv2.GaussianBlur(weights, (0, 0), sigma)
    smooth = cv2.GaussianBlur(line.level * weights, (0, 0), sigma) / np.maximum(around, np.float32(1e-3))
    grain = np.where(known, line.level - smooth, 0).astype(np.float32)
    missing = ~known
    for step in range(1, REACH + 1):
        for shift in (step * height // 4, -step * height // 4):
            fits = missing & np.roll(known, shift, axis=1)
            grain[fits] = np.roll(grain, shift, axis=1)[fits]
            missing &= ~fits
    if missing.any():  # as in a long line without gaps
        return None
    return np.asarray(np.clip(np.rint(smooth + grain), 0, 255), np.uint8)


def deserve_patches(measures: list[LineMeasures]) -> bool:
    """Whether the paper has a texture worth keeping."""
    grain = np.array([line.grain for line in measures])
    grain = grain[np.isfinite(grain)]
    return bool(len(grain)) and float(np.median(grain)) >= LEAST_GRAIN
