r"""Columns of a table as strings: CSV and TSV, as bad as they come, and Parquet.

Rows are read with the standard csv module, one record at a time, so that a stray quotation mark costs its
own row and not all that follow. A table separated by TABs whose header has no quotation marks is taken as it
stands, cells with quotation marks and all: the Open Food Facts export, of 10 GB and more, is written so. Why
no data frame library: docs/decisions/0008.
"""

from __future__ import annotations

import csv
import importlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ocrtune.errors import InputError
from ocrtune.synth.texts.labels import Fault
from ocrtune.synth.texts.string_list import Intake, StringList
from ocrtune.synth.texts.text_file import LINE_LIMIT, numbered_lines, require_file

DELIMITERS = "\t,;|"
"""Looked for, in this order, where none is given."""

RECORD_LINES = 20
"""Lines that one quoted cell may span; a mark that is not closed by then is a stray one."""

_NAMED_COLUMNS = 40
"""Columns that an error names; the Open Food Facts export has over 200."""


def read_table(
    path: Path, columns: Sequence[str], delimiter: str | None = None, encoding: str | None = None
) -> StringList:
    """The strings in `columns` of a table with a header, each cell on its own.

    A row whose number of cells is not that of the header is malformed and left out whole: which cell
    belongs to which column is then anyone's guess.

    Args:
        path: Parquet where its name ends in .parquet, otherwise CSV or TSV.
        columns: names in the header.
        delimiter: one symbol; if not given, the one of `DELIMITERS` under which the header has all `columns`.
        encoding: as in `read_strings`.

    Raises:
        InputError: the table cannot be read, lacks a column, or has no string in them.
    """
    require_file(path)
    if not columns:
        raise InputError(f"{path}: name at least one column")
    if path.suffix.lower() == ".parquet":
        if delimiter or encoding:
            raise InputError(f"{path}: a Parquet table has neither delimiter nor encoding; leave it out")
        return _read_parquet(path, columns)
    lines = numbered_lines(path, encoding)
    header = next(lines, (1, ""))[1]
    if delimiter is None:
        delimiter = find_delimiter(header, columns)
    elif len(delimiter) != 1 or delimiter in '"\r\n':
        raise InputError(f"{path}: the delimiter {delimiter!r} is not one symbol; use ',', ';' or a TAB")
    quoted = _is_quoted(header, delimiter)
    names = _split(header, delimiter, quoted=quoted) or []
    places = _find_columns(path, names, columns)
    intake = Intake(str(path))
    for number, cells in _records(lines, delimiter, quoted=quoted):
        if cells is None:
            intake.leave_out(Fault.MALFORMED_ROW, number, "quotation marks do not match")
        elif len(cells) != len(names):
            intake.leave_out(Fault.MALFORMED_ROW, number, f"{len(cells)} cells, the header has {len(names)}")
        else:
            for place in places:
                intake.offer(cells[place], number)
    return intake.finish()


def find_delimiter(header: str, columns: Sequence[str]) -> str:
    """The delimiter under which `header` has most of `columns`; of equals, the one giving more columns."""

    def rank(delimiter: str) -> tuple[int, int]:
        cells = _split(header, delimiter, quoted=_is_quoted(header, delimiter)) or []
        names = [name.strip() for name in cells]
        return sum(column in names for column in columns), len(names)

    return max(DELIMITERS, key=rank)


def _find_columns(path: Path, header: Sequence[str], columns: Sequence[str]) -> list[int]:
    names = [name.strip() for name in header]
    for column in columns:
        if names.count(column) != 1:
            problem = "two columns named" if column in names else "no column"
            raise InputError(f"{path} has {problem} {column!r}; it has {_listed(names)}")
    return [names.index(column) for column in columns]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:60]) for name in names[:_NAMED_COLUMNS])
    return shown + (f" and {len(names) - _NAMED_COLUMNS} more" if len(names) > _NAMED_COLUMNS else "")


def _records(
    lines: Iterator[tuple[int, str]], delimiter: str, *, quoted: bool
) -> Iterator[tuple[int, list[str] | None]]:
    """Number of the first line and cells of each record; None for cells that cannot be told."""
    ahead: list[tuple[int, str]] = []  # lines read for a cell that did not end, the next one last
    while (numbered := ahead.pop() if ahead else next(lines, None)) is not None:
        number, record = numbered
        if not record.strip():
            continue
        cells = _split(record, delimiter, quoted=quoted)
        taken: list[tuple[int, str]] = []
        # An odd number of marks: a cell is open. Otherwise more lines would not help.
        while cells is None and record.count('"') % 2 and _may_grow(record, taken):
            following = ahead.pop() if ahead else next(lines, None)
            if following is None:
                break
            taken.append(following)
            record += "\n" + following[1]
            cells = _split(record, delimiter, quoted=quoted)
        if cells is None:
            ahead.extend(reversed(taken))
        yield number, cells


def _may_grow(record: str, taken: Sequence[tuple[int, str]]) -> bool:
    return len(taken) < RECORD_LINES and len(record) < LINE_LIMIT


def _is_quoted(header: str, delimiter: str) -> bool:
    return delimiter != "\t" or '"' in header


def _split(record: str, delimiter: str, *, quoted: bool) -> list[str] | None:
    if not quoted or '"' not in record:
        return record.split(delimiter)
    try:
        # A single element: a line end within it belongs to a quoted cell. Strict: a mark left open fails.
        return next(csv.reader([record], delimiter=delimiter, strict=True))
    except csv.Error:  # also a cell over csv.field_size_limit(), 128 Ki, which no text is
        return None


def _read_parquet(path: Path, columns: Sequence[str]) -> StringList:
    try:
        parquet: Any = importlib.import_module("pyarrow.parquet")
        arrow: Any = importlib.import_module("pyarrow")
    except ImportError as error:
        raise InputError(f"reading {path} needs pyarrow; install it: pip install pyarrow") from error
    intake = Intake(str(path))
    row = 0
    try:
        with parquet.ParquetFile(path) as table:
            schema = table.schema_arrow
            _find_columns(path, schema.names, columns)
            for column in columns:
                _require_plain(path, column, schema.field(column).type, arrow.types)
            for batch in table.iter_batches(batch_size=1024, columns=list(columns)):
                for values in zip(*(batch.column(column).to_pylist() for column in columns), strict=True):
                    row += 1
                    for value in values:
                        intake.offer("" if value is None else str(value), row)
    except (arrow.ArrowException, OSError) as error:
        raise InputError(f"{path} is not a Parquet table: {' '.join(str(error).split())}") from error
    return intake.finish()


def _require_plain(path: Path, column: str, kind: Any, types: Any) -> None:
    value_kind = kind.value_type if types.is_dictionary(kind) else kind
    if types.is_nested(value_kind) or types.is_binary(value_kind) or types.is_large_binary(value_kind):
        raise InputError(f"{path}: column {column!r} holds {kind}, not texts; write its texts to a plain one")
