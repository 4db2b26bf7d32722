"""Text files of strangers as a stream of numbered lines: any size, any line length, the encoding found."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

from ocrtune.errors import InputError
from ocrtune.synth.texts.string_list import Intake, StringList

FILE_LIMIT = 2**30
"""Bytes of a file of strings; ten million lines of 100 bytes."""

LINE_LIMIT = 2**20
"""Symbols of a line that are kept: a row of 200 cells may have 5 Ki in each."""

_SAMPLE = 2**20
"""Bytes from which the encoding is told."""

_BYTE_ORDER_MARKS = (  # UTF-32 first: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_SIGNATURES = (
    (b"\x1f\x8b", "compressed; unpack it: gunzip FILE"),
    (b"PK\x03\x04", "a ZIP archive or a spreadsheet; unpack it, or save the sheet as CSV"),
    (b"PAR1", "a Parquet table; name its columns"),
)


def read_strings(path: Path, encoding: str | None = None) -> StringList:
    """The strings of a file that has one per line.

    Args:
        path: a text file.
        encoding: a codec of Python; found by a byte order mark, otherwise UTF-8, if not given.

    Raises:
        InputError: missing, over `FILE_LIMIT`, binary, in another encoding, or without a single string.
    """
    require_file(path)
    if path.stat().st_size > FILE_LIMIT:
        raise InputError(f"{path} is over {FILE_LIMIT >> 30} GiB; split it into several files")
    intake = Intake(str(path))
    for number, line in numbered_lines(path, encoding):
        intake.offer(line, number)
    return intake.finish()


def require_file(path: Path) -> None:
    """Stop unless `path` is a file.

    Raises:
        InputError: it is missing, a folder or a device.
    """
    if not is_file(path):
        raise InputError(f"{path} is missing, or no file; give a file of texts")


def is_file(path: Path) -> bool:
    """Whether `path` is a file; False for a name that no file can have."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def numbered_lines(path: Path, encoding: str | None) -> Iterator[tuple[int, str]]:
    """Line numbers from 1 and lines without their end, cut at `LINE_LIMIT`; raises as `numbered_pieces`."""
    last = 0
    for number, piece in numbered_pieces(path, encoding):
        if number > last:
            yield number, piece
        last = number


def numbered_pieces(path: Path, encoding: str | None) -> Iterator[tuple[int, str]]:
    """As `numbered_lines`, but a longer line comes whole, in pieces of one number.

    Bytes that the encoding does not have come as U+FFFD.

    Raises:
        InputError: the file cannot be read, or is no text in a known encoding.
    """
    encoding = encoding or detect_encoding(path)
    try:
        # newline="\n": a text may hold what other functions take for a line end (U+2028, a form feed).
        with path.open(encoding=encoding, errors="replace", newline="\n") as file:
            number = 1
            if file.read(1) != "\ufeff":  # left in place where the encoding was given
                file.seek(0)
            while piece := file.readline(LINE_LIMIT):
                yield number, piece.removesuffix("\n").removesuffix("\r")
                number += piece.endswith("\n")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except LookupError as error:
        raise InputError(f"{encoding!r} is no text encoding; give one such as utf-8 or cp1252") from error
    except ValueError as error:  # UTF-16 and 32 may end within a symbol; a name of an encoding may hold NUL
        raise InputError(f"{path} is not {encoding}: {error}; give its encoding") from error


def detect_encoding(path: Path) -> str:
    """The encoding of a text file: by its byte order mark, otherwise UTF-8; none is ever guessed.

    Raises:
        InputError: it cannot be read, is empty, binary, or begins with anything but UTF-8.
    """
    try:
        with path.open("rb") as file:
            sample = file.read(_SAMPLE)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    if not sample:
        raise InputError(f"{path} is empty; write one string per line")
    for mark, encoding in _BYTE_ORDER_MARKS:
        if sample.startswith(mark):
            return encoding
    for signature, what in _SIGNATURES:
        if sample.startswith(signature):
            raise InputError(f"{path} is {what}")
    if b"\0" in sample:
        raise InputError(
            f"{path} holds NUL bytes: a binary file, or UTF-16 without its mark; if so, give its encoding"
        )
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)  # the last symbol may be cut off
    except UnicodeDecodeError as error:
        line = sample.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}:{line}: not UTF-8 (byte {error.start}); give its encoding, such as cp1252 or gb18030 "
            "(utf-8 leaves such lines out)"
        ) from error
    return "utf-8"
