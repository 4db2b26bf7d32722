"""Strings as commands and recipes name them: a file, columns of a table, or the strings themselves."""

from __future__ import annotations

from pathlib import Path

from ocrtune.errors import InputError
from ocrtune.synth.texts.dictionaries import read_dictionary
from ocrtune.synth.texts.string_list import Intake, StringList
from ocrtune.synth.texts.table import read_table
from ocrtune.synth.texts.text_file import is_file, read_strings

StringsInput = str | tuple[str, ...]
"""`FILE`, `FILE:COLUMN,COLUMN` or the strings themselves."""


def read_list(
    given: StringsInput, folder: Path, encoding: str | None = None, delimiter: str | None = None
) -> StringList:
    """The strings that `given` names.

    Args:
        given: `FILE`; `FILE:COLUMN,COLUMN`, unless a file has all of this as its name; or the strings.
        folder: where a relative path starts from.
        encoding: of a file, if neither UTF-8 nor marked.
        delimiter: of a table, if not to be found.

    Raises:
        InputError: nothing can be read there, or an option is given that the input has no use for.
    """
    if not isinstance(given, str):
        if encoding or delimiter:
            raise InputError("strings given as they are have neither encoding nor delimiter; leave it out")
        intake = Intake("the strings given")
        for number, text in enumerate(given, start=1):
            intake.offer(text, number)
        return intake.finish()
    path, columns = split_columns(given, folder)
    if columns:
        return read_table(path, columns, delimiter, encoding)
    if delimiter:
        raise InputError(f"{given}: a delimiter is for tables; name the columns: {given}:COLUMN")
    if path.suffix != ".dic":
        return read_strings(path, encoding)
    if encoding:
        raise InputError(f"{given}: the encoding of a dictionary stands in its .aff file; leave it out")
    return read_dictionary(path)


def split_columns(given: str, folder: Path) -> tuple[Path, list[str]]:
    r"""Path and columns of `FILE:COLUMN,COLUMN`; `C:\words.txt` has none."""
    file, _, columns = given.rpartition(":")
    if not file or "/" in columns or "\\" in columns or is_file(folder / given):
        return folder / given, []
    return folder / file, [column.strip() for column in columns.split(",")]
