"""In which order the lines of an upright page are read: columns one after another, rows from the left.

By geometry alone. A receipt's item and price are two lines of a row; two columns of prose are not, though
their lines stand side by side as well. What tells them apart is that lines of prose fill their column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

GUTTER = 0.6
"""Line heights that the white between two columns is wide at least."""

COLUMN_LINES = 3
"""Lines on each side that make columns of what might be a row."""

COLUMN_WIDTH = 6.0
"""Line heights; the median line of a column of prose is wider, an amount of money is narrower."""

COLUMN_FILL = 0.7
"""Share of a column's width that its median line covers."""

SAME_ROW = 0.5
"""Share of the lower height by which two lines of a row overlap, measured along the tilt of the page."""


_LONG_LINE = 5.0  # line heights from which a line shows the tilt of its page
_SLOPE_SPREAD = 0.1  # lines of one page differ less, even on a photo taken from the side
_LINES_TO_FIT = 6
_MOST_COLUMNS = 20  # starts of columns that are tried; a table has more, and is none
_OPEN_ROWS = 6

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line comes: its index in what was given, its row and its block, both counted over the page."""

    index: int
    row: int
    block: int


@dataclass(frozen=True, slots=True)
class _Extents:
    """Lines as upright boxes in px, after the page's tilt was taken out; each array is (lines,)."""

    left: Array
    right: Array
    top: Array
    bottom: Array

    @property
    def middle(self) -> Array:
        return (self.top + self.bottom) / 2

    @property
    def height(self) -> Array:
        return self.bottom - self.top

    @property
    def width(self) -> Array:
        return self.right - self.left


def reading_order(boxes: Sequence[Array], *, from_right: bool = False) -> list[Place]:
    """The lines of a page in the order in which they are read.

    Args:
        boxes: for each line its corners, (4, 2) px: upper left, upper right, lower right, lower left.
        from_right: the lines are columns of upright symbols, read from the right one to the left.
    """
    if not boxes:
        return []
    extents = _level(np.stack(boxes))
    everything = np.arange(len(boxes))
    if from_right:
        ordered = np.lexsort((extents.top, -(extents.left + extents.right)))
        return [Place(int(index), row, 0) for row, index in enumerate(ordered)]
    places: list[Place] = []
    row = 0
    for block, members in enumerate(_blocks(extents, everything)):
        for line in _rows(extents, members):
            places += [Place(index, row, block) for index in line]
            row += 1
    return places


def tilt(boxes: Array) -> tuple[float, float]:
    """How a page's lines fall: (a, b), where a line at height y falls by a + b * y px per px to the right.

    Args:
        boxes: (lines, 4, 2) px, as in `reading_order`.
    """
    run = boxes[:, 1] + boxes[:, 2] - boxes[:, 0] - boxes[:, 3]  # (lines, 2): twice from left to right
    height = np.hypot(*(boxes[:, 3] - boxes[:, 0]).T)
    # The slope of a short line says little about the page.
    long = run[:, 0] > 2 * _LONG_LINE * np.maximum(height, 1)
    if not long.any():
        return 0.0, 0.0
    slopes = run[long, 1] / run[long, 0]
    middle = float(np.median(slopes))
    y = boxes[long, :, 1].mean(axis=1)
    near = np.abs(slopes - middle) < _SLOPE_SPREAD
    if near.sum() < _LINES_TO_FIT or np.ptp(y[near]) < 1:
        return middle, 0.0
    b, a = np.polyfit(y[near], slopes[near], 1, w=run[long, 0][near])
    return float(a), float(b)


def _level(boxes: Array) -> _Extents:
    """Take the fall of the lines out, so that a row has one height all along."""
    a, b = tilt(boxes)
    x, y = boxes[..., 0], boxes[..., 1]  # (lines, 4)
    level = y - (a + b * y) * (x - x.mean())
    return _Extents(
        left=x[:, (0, 3)].mean(axis=1),
        right=x[:, (1, 2)].mean(axis=1),
        top=level[:, :2].mean(axis=1),
        bottom=level[:, 2:].mean(axis=1),
    )


def _blocks(extents: _Extents, members: Indices) -> list[Indices]:
    """Part lines into columns and what stands above, between and below them, in reading order."""
    best: list[tuple[Indices, Indices]] = []
    for x in _column_starts(extents, members):
        pairs = _column_pairs(extents, members, x)
        if _size(pairs) > _size(best):
            best = pairs
    if not best:
        return [members]
    blocks: list[Indices] = []
    rest = members
    for left, right in best:
        top = min(extents.top[left].min(), extents.top[right].min())
        above = rest[extents.middle[rest] < top]
        rest = np.setdiff1d(rest, np.concatenate((above, left, right)))
        if len(above):
            blocks += _blocks(extents, above)
        blocks += [*_blocks(extents, left), *_blocks(extents, right)]
    return blocks + (_blocks(extents, rest) if len(rest) else [])


def _column_starts(extents: _Extents, members: Indices) -> list[float]:
    """Where several lines begin, px: the left edges that columns may have."""
    if len(members) < 2 * COLUMN_LINES:
        return []
    left = np.sort(extents.left[members])
    em = float(np.median(extents.height[members]))
    groups = np.split(left, np.flatnonzero(np.diff(left) > em / 2) + 1)
    return [float(group[0]) for group in groups if len(group) >= COLUMN_LINES][1:_MOST_COLUMNS]


def _column_pairs(extents: _Extents, members: Indices, x: float) -> list[tuple[Indices, Indices]]:
    """The stretches of the page, from above, where a column ends left of `x` and another begins there."""
    ordered = members[np.argsort(extents.middle[members], kind="stable")]
    em = float(np.median(extents.height[members]))
    is_left = extents.right[ordered] < x - GUTTER * em / 2
    is_right = extents.left[ordered] >= x - em / 2
    crosses = ~(is_left | is_right)
    pairs = []
    for band in np.split(np.arange(len(ordered)), np.flatnonzero(np.diff(crosses)) + 1):
        if crosses[band[0]]:
            continue
        left, right = ordered[band[is_left[band]]], ordered[band[is_right[band]]]
        if _is_column(extents, left) and (_is_column(extents, right) or _has_columns(extents, right)):
            gutter = extents.left[right].min() - extents.right[left].max()
            if gutter >= GUTTER * em and _side_by_side(extents, left, right):
                pairs.append((left, right))
    return pairs


def _is_column(extents: _Extents, side: Indices) -> bool:
    """Whether lines look like a column of prose: several, long, and filling a common width."""
    if len(side) < COLUMN_LINES:
        return False
    width = extents.width[side]
    whole = extents.right[side].max() - extents.left[side].min()
    is_wide = np.median(width / np.maximum(extents.height[side], 1)) >= COLUMN_WIDTH
    return bool(is_wide and np.median(width) >= COLUMN_FILL * whole)


def _has_columns(extents: _Extents, side: Indices) -> bool:
    return any(_column_pairs(extents, side, x) for x in _column_starts(extents, side))


def _side_by_side(extents: _Extents, left: Indices, right: Indices) -> bool:
    """Whether two columns share most of the height of the lower one."""
    top = max(extents.top[left].min(), extents.top[right].min())
    bottom = min(extents.bottom[left].max(), extents.bottom[right].max())
    heights = [float(extents.bottom[s].max() - extents.top[s].min()) for s in (left, right)]
    return bool(bottom - top >= SAME_ROW * min(heights))


def _rows(extents: _Extents, members: Indices) -> list[list[int]]:
    """Lines of a block as rows from above, each from the left."""
    rows: list[list[int]] = []
    for index in members[np.argsort(extents.middle[members], kind="stable")]:
        row = max(rows[-_OPEN_ROWS:], key=lambda row: _fit(extents, row, int(index)), default=None)
        if row is None or _fit(extents, row, int(index)) < SAME_ROW:
            rows.append([int(index)])
        else:
            row.append(int(index))
    rows.sort(key=lambda row: float(extents.middle[row].mean()))
    return [sorted(row, key=lambda index: float(extents.left[index])) for row in rows]


def _fit(extents: _Extents, row: list[int], index: int) -> float:
    """Overlap in height, 0..1, of a line with the nearest one of a row; 0 if it stands above or below one."""
    overlap = np.minimum(extents.right[row], extents.right[index]) - np.maximum(
        extents.left[row], extents.left[index]
    )  # (lines of the row,)
    if (overlap > 0.3 * np.minimum(extents.width[row], extents.width[index])).any():
        return 0.0
    nearest = row[int(overlap.argmax())]
    shared = min(extents.bottom[nearest], extents.bottom[index]) - max(
        extents.top[nearest], extents.top[index]
    )
    return float(shared / max(1.0, min(extents.height[nearest], extents.height[index])))


def _size(pairs: list[tuple[Indices, Indices]]) -> int:
    return sum(len(left) + len(right) for left, right in pairs)
