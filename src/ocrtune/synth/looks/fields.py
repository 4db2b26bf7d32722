"""Random fields made once per process, of which effects take windows: far cheaper than fresh noise.

Every field is a fixed function of its kind, and a window one of its seed.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

import cv2
import numpy as np

from ocrtune.synth.looks.effects import FloatImage

FieldKind = Literal[
    "noise",
    "cloud",
    "grain",
    "fibre",
    "brushed",
    "wood",
    "quasicrystal",
    "salt",
    "specks",
    "blotches",
    "patches",
]

ROWS, COLUMNS = 256, 2048
"""px. 2 MB a field; a window of a line has some 400,000 places, each of them either way up."""

BORDER = 64
"""px around a field that blurring may spoil."""


def window(kind: FieldKind, height: int, width: int, seed: int) -> FloatImage:
    """A (height, width) float32 window into a field.

    `salt`, `specks` and `blotches` are even in 0..1, so that a threshold is a share; `patches` goes softly
    from 0 to 1 and back; all others have mean 0 and standard deviation 1, and stay within -3..3. The
    window is read-only.
    """
    field = _field(kind)
    rows, columns = field.shape
    if height > rows or width > columns:
        field = np.tile(field, (-(-height // rows), -(-width // columns)))
        rows, columns = field.shape
    left, rest = divmod(seed, columns)
    left, rest = rest % (columns - width + 1), left
    top = rest % (rows - height + 1)
    view = field[top : top + height, left : left + width]
    # Mirrored in rows only: reading columns backwards takes half as long again.
    return view[::-1] if seed >> 31 else view


@cache
def _field(kind: FieldKind) -> FloatImage:
    rng = np.random.default_rng(list(kind.encode()))
    height, width = ROWS + 2 * BORDER, COLUMNS + 2 * BORDER
    white = rng.standard_normal((height, width), np.float32)
    match kind:
        case "noise" | "salt":
            field = white
        case "cloud" | "patches":
            field = _blurred(white, 24, 24)
        case "grain":
            field = _standard(_blurred(white, 1, 1)) + _standard(_blurred(white[::-1], 4, 4))
        case "fibre":
            field = _fibres(rng, height, width)
        case "brushed":
            field = _standard(_blurred(white, 40, 0.6)) + 0.4 * _standard(_blurred(white[::-1], 12, 12))
        case "wood":
            rings = np.arange(height, dtype=np.float32)[:, np.newaxis] / 9
            bent = rings + 1.5 * _standard(_blurred(white, 150, 12))
            field = np.sin(2 * np.pi * bent) + 0.5 * _standard(_blurred(white[::-1], 30, 0.7))
        case "quasicrystal":
            field = _quasicrystal(height, width)
        case "specks":
            field = _blurred(white, 0.8, 0.8)
        case "blotches":
            field = _blurred(white, 2, 2)
    field = np.ascontiguousarray(field[BORDER:-BORDER, BORDER:-BORDER])
    if kind in ("salt", "specks", "blotches"):
        field = _ranks(field)
    elif kind == "patches":
        field = np.clip(np.float32(0.5) + np.float32(0.35) * _standard(field), 0, 1)
    else:
        field = np.clip(_standard(field), -3, 3)
    field.flags.writeable = False
    return field


def _blurred(field: FloatImage, sigma_x: float, sigma_y: float) -> FloatImage:
    return np.asarray(cv2.GaussianBlur(field, (0, 0), sigmaX=sigma_x, sigmaY=sigma_y), np.float32)


def _standard(field: FloatImage) -> FloatImage:
    return np.asarray((field - field.mean()) / field.std(), np.float32)


def _ranks(field: FloatImage) -> FloatImage:
    ranks = np.empty(field.size, np.float32)
    ranks[field.ravel().argsort(kind="stable")] = np.arange(field.size, dtype=np.float32) / field.size
    return ranks.reshape(field.shape)


def _fibres(rng: np.random.Generator, height: int, width: int) -> FloatImage:
    """Short curved hairs, dark and light, as in recycled paper."""
    field = np.zeros((height, width), np.float32)
    for _ in range(height * width // 300):
        start = rng.uniform((0, 0), (width, height))
        turn, bend = rng.uniform(0, 2 * np.pi), rng.uniform(-0.4, 0.4)
        angles = turn + bend * np.arange(4)
        steps = rng.uniform(2, 6) * np.column_stack((np.cos(angles), np.sin(angles)))
        points = np.rint(start + np.cumsum(steps, axis=0)).astype(np.int32)
        cv2.polylines(field, [points], False, float(rng.normal()), lineType=cv2.LINE_8)
    # Single hairs would otherwise stand far out of a plain ground.
    return np.clip(_standard(_blurred(field, 0.7, 0.7)), -1.2, 1.2)


def _quasicrystal(height: int, width: int) -> FloatImage:
    """Seven plane waves in directions evenly apart: ordered, yet without a period."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    angles = np.pi * np.arange(7) / 7
    waves = [np.cos((x * np.cos(angle) + y * np.sin(angle)) * np.float32(0.35)) for angle in angles]
    return np.asarray(np.sum(waves, axis=0), np.float32)
