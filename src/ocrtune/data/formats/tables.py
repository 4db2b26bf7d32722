"""Label tables with named columns: EasyOCR's `labels.csv`."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from ocrtune.data.formats.found import FoundLine, Parsed, Reading, unreadable

_HEADER = ["filename", "words"]

Row = tuple[int, list[str]]
"""Number of the first line of a row, from 1, and its fields."""


def is_easyocr(path: Path, head: str) -> bool:
    """Whether the first line names the columns filename and words."""
    return path.suffix.lower() in (".csv", ".txt") and _is_header(head.partition("\n")[0])


def parse_easyocr(path: Path, reading: Reading) -> Parsed:
    """The rows after the header.

    EasyOCR's trainer cuts each line at its first comma and knows no quotes; spreadsheets and libraries
    protect commas by quotes. A file is taken for the second kind only if writing its rows so gives the
    file again: otherwise the quotes may belong to the texts.
    """
    content = reading.text(path).replace("\r\n", "\n")
    rows = _protected_rows(content)
    if rows is None:
        rows = [(n, line.split(",", 1)) for n, line in enumerate(content.split("\n"), 1) if line.strip()]
        if any(len(row) == 2 and row[1][:1] == row[1][-1:] == '"' for _, row in rows):
            reading.notes["quotes belong to the texts, as commas stand outside of quotes too"] += 1
    if rows and _is_header(",".join(rows[0][1])):
        rows = rows[1:]
    for number, row in rows:
        source = f"{path}:{number}"
        if len(row) != 2:
            yield unreadable(source, f"no comma in {row[0][:80]!r}; write one `filename,words` per line")
        else:
            yield FoundLine(row[0], row[1], source)


def _is_header(line: str) -> bool:
    return [field.strip().strip('"').lower() for field in line.split(",")] == _HEADER


def _protected_rows(content: str) -> list[Row] | None:
    """The rows of a table of two columns whose quotes are all there for the table's sake, otherwise None."""
    reader = csv.reader(io.StringIO(content, newline=""), strict=True)
    rows: list[Row] = []
    start = 1
    try:
        for row in reader:
            if row:
                rows.append((start, row))
            start = reader.line_num + 1
    except csv.Error:  # a quote inside a field, or a field that never ends
        return None
    if any(len(row) != len(_HEADER) for _, row in rows):
        return None
    lines = [line for line in content.split("\n") if line.strip()]
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL):
        buffer = io.StringIO(newline="")
        csv.writer(buffer, quoting=quoting, lineterminator="\n").writerows(row for _, row in rows)
        if [line for line in buffer.getvalue().split("\n") if line.strip()] == lines:
            return rows
    return None
