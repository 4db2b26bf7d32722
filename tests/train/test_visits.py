"""Visits by epoch: sums, the end without made lines, which lines fade."""

from __future__ import annotations

import numpy as np
import pytest

from ocrtune.train.visits import SHOWN_ENOUGH, Visits, share_in_epoch, which_fade


@pytest.mark.parametrize("epochs", [1, 2, 3, 4, 6, 8, 12, 40, 200])
def test_fading_lines_come_as_often_in_all_as_others_do(epochs: int) -> None:
    shares = [share_in_epoch(epoch, epochs) for epoch in range(epochs)]
    assert sum(shares) == pytest.approx(epochs)
    assert shares == sorted(shares, reverse=True)


@pytest.mark.parametrize(("epochs", "without"), [(1, 0), (2, 1), (4, 1), (5, 2), (8, 2), (12, 3)])
def test_the_last_quarter_is_without_them(epochs: int, without: int) -> None:
    """But of a run of one epoch: there is nothing to fall in."""
    assert [share_in_epoch(epoch, epochs) for epoch in range(epochs)].count(0) == without


def test_they_fall_in_equal_steps() -> None:
    steps = np.diff([share_in_epoch(epoch, 8) for epoch in range(7)])
    assert steps == pytest.approx(steps[0])
    assert steps[0] < 0


def test_others_come_alike_in_every_epoch() -> None:
    visits = Visits([1.0, 3.0, 0.25], [False, True, False], epochs=4)
    rows = np.stack([visits.of_epoch(epoch) for epoch in range(4)])
    assert (rows[:, [0, 2]] == [1.0, 0.25]).all()
    assert rows[:, 1].mean() == pytest.approx(3.0)


def test_visits_and_epochs_are_told_from_each_other() -> None:
    """Of 2 and, in the mean, 2 visits an epoch, the first of four has 2 + 4, the last 2."""
    visits = Visits([2.0, 2.0], [False, True], epochs=4)
    assert [visits.begun(epoch) for epoch in range(5)] == pytest.approx([0, 6, 6 + 2 + 8 / 3, 14, 16])
    assert [visits.epochs_of(n) for n in (0, 3, 6, 15, 16)] == pytest.approx([0, 0.5, 1, 3.5, 4])
    assert visits.begun(9) == pytest.approx(16)


def test_made_lines_fade_beside_real_ones() -> None:
    real, made = ["ab"] * SHOWN_ENOUGH, ["a", "ba"]
    assert which_fade([(False, real), (True, made)]) == [False] * SHOWN_ENOUGH + [True, True]


def test_made_lines_alone_do_not_fade() -> None:
    assert which_fade([(True, ["a"] * 50), (True, ["b"])]) == [False] * 51


def test_what_real_lines_hardly_show_is_taught_to_the_end() -> None:
    """A line that shows "b", which one real line too few has, stays; a symbol twice in a line counts once."""
    real = ["a"] + ["abb"] * (SHOWN_ENOUGH - 1)
    assert which_fade([(True, ["aa", "ab", "c"]), (False, real)])[:3] == [True, False, False]
