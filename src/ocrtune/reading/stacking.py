"""Upright symbols one below the other, laid out as a line that a recogniser of lines can read."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import numpy.typing as npt

from ocrtune.records import Image

TIGHTEST = 0.5
"""Height of a symbol's cell by the width of its column, at least."""

WIDEST = 2.0
"""The same, at most: symbols set far apart."""

_SHIFT = 0.2  # of a cell, by which a cut may move to where there is less ink
_PROPORTION = 0.3  # weight of cells being square against cuts being free of ink


def unstack(column: Image) -> Image:
    """Cut a tall image between its symbols and lay them side by side.

    Args:
        column: (H, W) or (H, W, 3) uint8, taller than wide.

    Returns:
        (W, H) or (W, H, 3): every cell becomes as wide as it was high, so that a place along the line is
        the same place along the column.
    """
    width = column.shape[1]
    edges = [0, *_cuts(_ink_of_rows(column), width), column.shape[0]]
    cells = [
        cv2.resize(column[a:b], (b - a, width), interpolation=cv2.INTER_LINEAR)
        for a, b in itertools.pairwise(edges)
    ]
    return np.asarray(np.concatenate(cells, axis=1), np.uint8)


def _ink_of_rows(column: Image) -> npt.NDArray[np.float64]:
    """Share of each row that is ink, (H,), with a mean of about 1."""
    grey = column if column.ndim == 2 else cv2.cvtColor(column, cv2.COLOR_RGB2GRAY)
    _, ink = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    if ink.mean() > 0.5:  # light on dark
        ink = 1 - ink
    return np.asarray(ink.mean(axis=1) / max(1e-6, float(ink.mean())), np.float64)


def _cuts(ink: npt.NDArray[np.float64], width: int) -> list[int]:
    """Rows to cut at: about equal cells, their number such that the cuts meet least ink."""
    height = len(ink)
    fewest = max(1, round(height / (WIDEST * width)))
    most = max(fewest, min(height // 4, round(height / (TIGHTEST * width))))
    best, best_cost = [height], np.inf
    for count in range(fewest, most + 1):
        cuts = _cuts_into(ink, count)
        met = float(np.mean([ink[cut] for cut in cuts])) if cuts else 0.0
        cost = met + _PROPORTION * abs(float(np.log(count * width / height)))
        if cost < best_cost:
            best, best_cost = cuts, cost
    return best


def _cuts_into(ink: npt.NDArray[np.float64], count: int) -> list[int]:
    pitch = len(ink) / count
    reach = int(_SHIFT * pitch)
    cuts = []
    for i in range(1, count):
        middle = round(i * pitch)
        around = np.arange(middle - reach, middle + reach + 1)
        # Of several rows without ink, the one nearest to where equal cells would part.
        order = np.lexsort((np.abs(around - middle), ink[around]))
        cuts.append(int(around[order[0]]))
    return cuts
