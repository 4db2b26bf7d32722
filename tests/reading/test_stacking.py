"""Columns of upright symbols, cut between them and laid side by side."""

from __future__ import annotations

import numpy as np
import pytest

from ocrtune.reading.stacking import unstack


@pytest.mark.parametrize("invert", [False, True])
def test_symbols_come_to_stand_side_by_side(invert: bool) -> None:
    """Blocks of 20 px with white between them, each 30 px lower: they come to stand 30 px apart."""
    column = np.full((120, 30), 255, np.uint8)
    for i, level in enumerate((0, 40, 80, 120)):
        column[5 + 30 * i : 25 + 30 * i, 5:25] = level
    line = unstack(255 - column if invert else column)
    assert line.shape == (30, 120)
    line = 255 - line if invert else line
    assert [int(line[15, 15 + 30 * i]) for i in range(4)] == [0, 40, 80, 120]
    assert [int(line[15, 30 * i]) for i in range(4)] == [255] * 4


def test_a_cut_moves_to_the_gap() -> None:
    """Unequal heights: cells of equal height would cut through the first block."""
    column = np.full((100, 40, 3), 255, np.uint8)
    column[4:54, 12:28] = 0
    column[62:96, 12:28] = 0
    line = unstack(column)
    assert line.shape == (40, 100, 3)
    dark = (line[20, :, 0] < 128).nonzero()[0]
    gap = np.flatnonzero(np.diff(dark) > 1)
    assert len(gap) == 1
    # Cut at row 54, the ink of either part is 0.3 to 0.7 of its cell.
    assert dark[gap[0]] == pytest.approx(0.7 * 54, abs=2)
    assert dark[gap[0] + 1] == pytest.approx(54 + 0.3 * 46, abs=2)


def test_paper_alone_is_laid_flat() -> None:
    assert unstack(np.full((90, 30), 255, np.uint8)).shape == (30, 90)
