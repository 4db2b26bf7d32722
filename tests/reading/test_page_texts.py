"""Pages as text, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from ocrtune.reading.page_texts import PageReading, pages_csv, pages_json, pages_text
from ocrtune.records import Page

TEXT = "Tea & milk\t3.50\n<Total> 3.50\nLOT 7\n茶水"


def test_rows_are_lines_and_wide_gaps_are_tabs(made_page: Page) -> None:
    """The second gap is half a line high, the first two lines."""
    assert made_page.text == TEXT
    assert [[line.prediction.text for line in row] for row in made_page.rows()] == [
        ["Tea & milk", "3.50"],
        ["<Total>", "3.50"],
        ["LOT 7"],
        ["茶水"],
    ]


def test_confidence_of_a_page_is_that_of_all_its_symbols(made_page: Page) -> None:
    symbols = 10 + 4 + 7 + 4 + 5 + 2
    assert made_page.confidence == pytest.approx(0.9 ** ((symbols - 4) / symbols) * 0.8 ** (4 / symbols))


def test_places_of_symbols_follow_the_text(made_page: Page) -> None:
    """Along the line, up the side, and down a column of upright symbols."""
    flat, up, stacked = made_page.lines[0], made_page.lines[4], made_page.lines[5]
    assert flat.span_box(10, 30) == ((20, 20), (40, 20), (40, 40), (20, 40))
    assert up.span_box(0, 10) == ((20, 290), (20, 280), (40, 280), (40, 290))
    assert stacked.span_box(10, 20) == ((160, 210), (180, 210), (180, 220), (160, 220))
    assert (flat.height, up.height, stacked.height) == (20, 20, 20)


def test_json_has_every_place(made_page: Page) -> None:
    (page,) = json.loads(pages_json([PageReading(Path("a.png"), 1, made_page)]))
    assert (page["path"], page["page"], page["width"], page["height"], page["angle"]) == (
        "a.png", 1, 200, 300, 0,
    )  # fmt: skip
    assert page["text"] == TEXT
    assert page["unread"] == [[[100, 250], [130, 250], [130, 260], [100, 260]]]
    first = page["lines"][0]
    assert (first["text"], first["row"], first["block"], first["stacked"]) == ("Tea & milk", 0, 0, False)
    assert first["characters"][1] == {
        "symbol": "e",
        "confidence": 0.9,
        "box": [[20, 20], [30, 20], [30, 40], [20, 40]],
    }


def test_several_pages_have_headings(made_page: Page) -> None:
    readings = [
        PageReading(Path("a.pdf"), 1, made_page),
        PageReading(Path("a.pdf"), 2, Page(10, 10, 0, ())),
        PageReading(Path("b.png"), 1, None, "broken"),
    ]
    assert pages_text(readings) == f"==> a.pdf <==\n{TEXT}\n\n==> a.pdf page 2 <==\n"
    assert pages_text(readings[:1]) == f"{TEXT}\n"
    assert pages_text(readings[1:2]) == ""


def test_csv_has_a_row_for_each_row_and_its_columns_in_cells(made_page: Page) -> None:
    readings = [
        PageReading(Path("a.png"), 1, made_page),
        PageReading(Path("b.png"), 1, None, "broken, so"),
    ]
    rows = list(csv.reader(io.StringIO(pages_csv(readings))))
    assert rows == [
        ["path", "page", "row", "confidence", "error", "cell 1", "cell 2"],
        ["a.png", "1", "1", "0.8000", "", "Tea & milk", "3.50"],
        ["a.png", "1", "2", "0.9000", "", "<Total> 3.50", ""],
        ["a.png", "1", "3", "0.9000", "", "LOT 7", ""],
        ["a.png", "1", "4", "0.9000", "", "茶水", ""],
        ["b.png", "1", "", "", "broken, so", "", ""],
    ]
