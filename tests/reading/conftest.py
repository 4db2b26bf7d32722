"""A page that nobody has to read first."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ocrtune.records import CharacterSpan, Page, PageLine, Prediction, Quadrilateral


def line_of(
    text: str, box: Quadrilateral, *, row: int, block: int = 0, stacked: bool = False, confidence: float = 0.9
) -> PageLine:
    """A line whose symbols are 10 px long each."""
    spans = [CharacterSpan(symbol, confidence, 10.0 * i, 10.0 * i + 10) for i, symbol in enumerate(text)]
    return PageLine(box, Prediction.from_characters(tuple(spans)), 10.0 * len(text), row, block, stacked)


def upright_box(left: float, top: float, width: float, height: float) -> Quadrilateral:
    right, bottom = left + width, top + height
    return ((left, top), (right, top), (right, bottom), (left, bottom))


@pytest.fixture
def made_page() -> Page:
    """200 x 300 px: two rows of a receipt, a line that runs up the side, and one of symbols on end."""
    lines: Sequence[PageLine] = [
        line_of("Tea & milk", upright_box(10, 20, 100, 20), row=0),
        line_of("3.50", upright_box(150, 20, 40, 20), row=0, confidence=0.8),
        line_of("<Total>", upright_box(10, 60, 70, 20), row=1),
        line_of("3.50", upright_box(90, 60, 40, 20), row=1),
        line_of("LOT 7", ((20, 290), (20, 240), (40, 240), (40, 290)), row=2, block=1),
        line_of("茶水", upright_box(160, 200, 20, 20), row=3, block=1, stacked=True),
    ]
    return Page(200, 300, 0, tuple(lines), (upright_box(100, 250, 30, 10),))
