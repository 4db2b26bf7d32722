"""Files of strings: encodings told, never guessed; hostile and wrong files refused in one line."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from ocrtune.errors import InputError
from ocrtune.synth.texts import text_file
from ocrtune.synth.texts.labels import Fault
from ocrtune.synth.texts.text_file import numbered_lines, read_strings


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_tells_the_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes("brød\r\nøl\n日本".encode(encoding))
    assert read_strings(path).strings == ("brød", "øl", "日本")


@pytest.mark.parametrize("encoding", ["cp1252", "gb18030", "utf-16-le"])
def test_other_encodings_must_be_given(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes("melk\nbrød\n".encode(encoding))
    with pytest.raises(InputError, match=r"not UTF-8|UTF-16 without its mark"):
        read_strings(path)
    assert read_strings(path, encoding).strings == ("melk", "brød")


def test_stray_bytes_cost_their_own_line(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(b"\xef\xbb\xbfmelk\nbr\xf8d\nost\n")
    read = read_strings(path, "utf-8")
    assert read.strings == ("melk", "ost")
    assert [(left.fault, left.count) for left in read.left_out] == [(Fault.UNDECODABLE, 1)]


def test_a_string_may_hold_other_line_ends(tmp_path: Path) -> None:
    """Only a line feed parts strings; a carriage return within is a fault of its string."""
    path = tmp_path / "x.txt"
    path.write_text("a\u0085b\nc\u2028d\ne\rf\ng", newline="")
    read = read_strings(path)
    assert read.strings == ("g",)
    assert read.left_out[0].count == 3


def test_a_line_without_end_takes_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_file, "LINE_LIMIT", 100)
    path = tmp_path / "x.txt"
    path.write_text("a\n" + "b" * 1000 + "\n" + "c" * 99 + "\nd")
    lines = list(numbered_lines(path, None))
    assert [(number, len(line)) for number, line in lines] == [(1, 1), (2, 100), (3, 99), (4, 1)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "{path} is missing, or no file; give a file of texts"),
        (b"", "{path} is empty; write one string per line"),
        (b"\n \n", "{path} has no string to make lines of: {path}:1: empty: ''; write one per line"),
        (b"ab\0c\n", "{path} holds NUL bytes: a binary file, or UTF-16 without its mark; if so, give its"),
        (b"a\nbr\xf8d\n", "{path}:2: not UTF-8 (byte 4); give its encoding, such as cp1252 or gb18030"),
        (gzip.compress(b"a", mtime=0), "{path} is compressed; unpack it: gunzip FILE"),
        (b"PK\x03\x04abc", "{path} is a ZIP archive or a spreadsheet; unpack it, or save the sheet as CSV"),
        (b"PAR1abc", "{path} is a Parquet table; name its columns"),
    ],
)
def test_files_that_have_no_strings(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "x.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_strings(path)
    assert str(caught.value).startswith(message.format(path=path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("encoding", "message"),
    [
        ("klingon", "'klingon' is no text encoding; give one such as utf-8 or cp1252"),
        ("hex", "'hex' is no text encoding"),
        ("utf-16", "x.txt is not utf-16: "),
    ],
)
def test_a_given_encoding_that_is_wrong(tmp_path: Path, encoding: str, message: str) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(b"abc")
    with pytest.raises(InputError, match=message):
        read_strings(path, encoding)


def test_a_folder_or_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is missing, or no file"):
        read_strings(tmp_path)
    with pytest.raises(InputError, match="is missing, or no file"):
        read_strings(tmp_path / "a\0b")
    with pytest.raises(InputError, match="is missing, or no file"):
        read_strings(tmp_path / ("a" * 5000))
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(text_file.FILE_LIMIT + 1)
    with pytest.raises(InputError, match="over 1 GiB; split it into several files"):
        read_strings(path)
