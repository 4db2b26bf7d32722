"""Rare symbols come often enough."""

from __future__ import annotations

import pytest

from ocrtune.train.rare_symbols import MOST, raised_weights


@pytest.mark.parametrize(
    ("weights", "minimum", "expected"),
    [
        ((1, 1, 1, 1), 2, (1, 1, 2, 2)),  # "c" twice as often, and "d", of which there is one each
        ((1, 1, 1, 1), 1, (1, 1, 1, 1)),
        ((2, 2, 2, 2), 2, (2, 2, 2, 2)),
        ((1, 1, 0.5, 1), 2, (1, 1, 2, 2)),
        ((1, 1, 1, 1), 50, (MOST, MOST, MOST, MOST)),
    ],
)
def test_lines_with_rare_symbols_come_more_often(
    weights: tuple[float, ...], minimum: int, expected: tuple[float, ...]
) -> None:
    assert raised_weights(["aab", "bba", "abc", "d"], weights, minimum) == pytest.approx(expected)
