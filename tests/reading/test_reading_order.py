"""Columns one after another, rows from the left: by where lines stand."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from ocrtune.reading.reading_order import reading_order, tilt

Array = npt.NDArray[np.float64]


def box(left: float, top: float, width: float, height: float = 20) -> Array:
    right, bottom = left + width, top + height
    return np.array(((left, top), (right, top), (right, bottom), (left, bottom)), np.float64)


def turned(boxes: list[Array], degrees: float) -> list[Array]:
    angle = math.radians(degrees)
    matrix = np.array(((math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))))
    return [corners @ matrix for corners in boxes]


def shape(boxes: list[Array]) -> list[list[int]]:
    """Indices row by row."""
    rows: dict[int, list[int]] = {}
    for place in reading_order(boxes):
        rows.setdefault(place.row, []).append(place.index)
    return list(rows.values())


# Four items with their prices, the last two lower than the item by a third of a line, and a line in between.
RECEIPT = [
    box(400, 100, 60), box(20, 100, 250), box(20, 130, 200), box(400, 136, 60), box(20, 160, 380),
    box(380, 194, 80), box(20, 190, 120), box(200, 190, 60),
]  # fmt: skip
RECEIPT_ROWS = [[1, 0], [2, 3], [4], [6, 7, 5]]


@pytest.mark.parametrize("degrees", [0, 4, -4])
def test_item_and_price_are_a_row(degrees: float) -> None:
    """At 4 degrees the price lies a line and a half lower than its item."""
    assert shape(turned(RECEIPT, degrees)) == RECEIPT_ROWS


def column(left: float, top: float, lines: int, width: float = 300) -> list[Array]:
    return [box(left, top + 30 * i, width - 20 * (i % 3)) for i in range(lines)]


@pytest.mark.parametrize("degrees", [0, 3])
def test_columns_of_prose_come_one_after_the_other(degrees: float) -> None:
    """A heading above, a line across in the middle, and a third column only in the lower part."""
    heading, across = [box(100, 0, 500, 40)], [box(20, 230, 640)]
    parts = [
        heading, column(20, 60, 5), column(360, 60, 5), across,
        column(20, 270, 6, 200), column(240, 270, 6, 200), column(460, 270, 6, 200),
    ]  # fmt: skip
    boxes = [line for part in parts for line in part]
    order = np.random.default_rng(5).permutation(len(boxes))
    places = reading_order(turned([boxes[i] for i in order], degrees))
    assert [order[place.index] for place in places] == list(range(len(boxes)))
    assert [sum(place.block == block for place in places) for block in range(7)] == [1, 5, 5, 1, 6, 6, 6]
    assert [place.row for place in places] == list(range(len(boxes)))


def test_labels_and_their_values_are_rows() -> None:
    """A form: its left side does not fill a column."""
    widths = [60, 160, 90, 240, 80]
    left = [box(20, 100 + 40 * i, width) for i, width in enumerate(widths)]
    right = [box(400, 100 + 40 * i, 200) for i in range(5)]
    assert shape(left + right) == [[i, i + 5] for i in range(5)]


def test_two_lines_on_a_side_are_rows() -> None:
    """Of an address in two parts nobody can say how it is meant; rows are how it stands there."""
    assert shape([*column(0, 0, 2), *column(400, 0, 2)]) == [[0, 2], [1, 3]]


def test_lines_that_overlap_in_x_are_never_a_row() -> None:
    assert shape([box(0, 0, 200, 40), box(10, 12, 200, 40)]) == [[0], [1]]


def test_columns_of_upright_symbols_are_read_from_the_right() -> None:
    boxes = [box(0, 0, 30, 200), box(50, 0, 30, 300), box(100, 0, 30, 250), box(100, 300, 30, 100)]
    places = reading_order(boxes, from_right=True)
    assert [place.index for place in places] == [2, 3, 1, 0]


def test_a_page_without_lines_has_no_order() -> None:
    assert reading_order([]) == []


def test_tilt_is_that_of_the_long_lines() -> None:
    lines = turned([box(0, 40 * i, 400) for i in range(8)], 3)
    a, b = tilt(np.stack([*lines, box(500, 100, 20)]))
    assert a + b * 150 == pytest.approx(math.tan(math.radians(3)), abs=1e-6)
    assert tilt(np.stack([box(0, 0, 50)])) == (0.0, 0.0)


def test_tilt_follows_a_page_seen_from_the_side() -> None:
    """Lines that fall more the lower they stand, as on a photo taken at an angle."""
    lines = [
        np.array(((0, y), (400, y + 400 * f), (400, y + 20 + 400 * f), (0, y + 20)), np.float64)
        for y, f in ((y, 0.02 + 0.0001 * y) for y in range(0, 400, 40))
    ]
    a, b = tilt(np.stack(lines))
    assert a + b * 0 == pytest.approx(0.02, abs=2e-3)
    assert a + b * 400 == pytest.approx(0.06, abs=4e-3)
