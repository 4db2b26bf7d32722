"""What was read on whole pages as text, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ocrtune.records import Page, row_cells


@dataclass(frozen=True, slots=True)
class PageReading:
    """One page of a file: what was read on it, or why it could not be read."""

    path: Path
    number: int
    """Of the page in its file, from 1."""
    page: Page | None
    error: str | None = None

    @property
    def name(self) -> str:
        """Path, and page number after the first: it names the page in headings and files."""
        return str(self.path) if self.number == 1 else f"{self.path} page {self.number}"


def pages_text(readings: Sequence[PageReading]) -> str:
    """The texts of pages, each under a heading with its name if there are several."""
    read = [(reading.name, reading.page.text) for reading in readings if reading.page is not None]
    if len(read) == 1:
        return f"{read[0][1]}\n" if read[0][1] else ""
    return "\n".join(f"==> {name} <==\n{text}\n" if text else f"==> {name} <==\n" for name, text in read)


def pages_json(readings: Sequence[PageReading]) -> str:
    """A JSON list, one object for each page; boxes are in px of the page."""
    return json.dumps([_as_object(reading) for reading in readings], ensure_ascii=False, indent=1) + "\n"


def pages_csv(readings: Sequence[PageReading]) -> str:
    """CSV (RFC 4180) with a header and a row for each row of a page.

    What stands apart on the page comes in cells of its own, such as an item, its number and its price.
    """
    rows: list[tuple[PageReading, int, float, list[str]]] = []
    for reading in readings:
        for number, row in enumerate([] if reading.page is None else reading.page.rows(), start=1):
            confidence = min(line.prediction.confidence for line in row)
            rows.append((reading, number, confidence, row_cells(row)))
    columns = max((len(cells) for _, _, _, cells in rows), default=1)
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(
        ("path", "page", "row", "confidence", "error", *(f"cell {i + 1}" for i in range(columns)))
    )
    blank = [""] * columns
    for reading in readings:
        if reading.page is None:
            writer.writerow((reading.path, reading.number, "", "", reading.error, *blank))
        for owner, number, confidence, texts in rows:
            if owner is reading:
                padded = [*texts, *blank[len(texts) :]]
                writer.writerow((reading.path, reading.number, number, f"{confidence:.4f}", "", *padded))
    return buffer.getvalue()


def _as_object(reading: PageReading) -> dict[str, object]:
    place: dict[str, object] = {"path": str(reading.path), "page": reading.number}
    if reading.page is None:
        return {**place, "error": reading.error}
    return {**place, **reading.page.to_json()}
