"""How commands and recipes name strings, and options that an input has no use for."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocrtune.errors import InputError
from ocrtune.synth.texts.inputs import read_list, split_columns


@pytest.mark.parametrize(
    ("given", "file", "columns"),
    [
        ("words.txt", "words.txt", []),
        ("off.csv:name", "off.csv", ["name"]),
        ("off.csv:name, brand", "off.csv", ["name", "brand"]),
        (r"C:\words.txt", r"C:\words.txt", []),
        ("C:/words.txt", "C:/words.txt", []),
        (r"C:\off.csv:name", r"C:\off.csv", ["name"]),
        (":name", ":name", []),
        ("there:is.txt", "there:is.txt", []),
        ("off.csv:", "off.csv", [""]),
    ],
)
def test_file_and_columns(tmp_path: Path, given: str, file: str, columns: list[str]) -> None:
    (tmp_path / "there:is.txt").write_text("a\n")
    assert split_columns(given, tmp_path) == (tmp_path / file, columns)


def test_every_kind_of_list(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("melk\nost\n")
    (tmp_path / "off.csv").write_bytes("name^brand\nbrød^Q\n".encode("cp1252"))
    (tmp_path / "nb.dic").write_text("1\nbrus/X\n")
    assert read_list("words.txt", tmp_path).strings == ("melk", "ost")
    assert read_list("off.csv:brand,name", tmp_path, "cp1252", "^").strings == ("Q", "brød")
    assert read_list("nb.dic", tmp_path).strings == ("brus",)
    assert read_list(("b", "a", "b"), tmp_path).strings == ("b", "a")
    assert read_list(str(tmp_path / "words.txt"), Path("elsewhere")).strings == ("melk", "ost")


@pytest.mark.parametrize(
    ("given", "encoding", "delimiter", "message"),
    [
        (("a",), "utf-8", None, "have neither encoding nor delimiter; leave it out"),
        (
            "words.txt",
            None,
            ";",
            r"words\.txt: a delimiter is for tables; name the columns: words\.txt:COLUMN",
        ),
        ("nb.dic", "utf-8", None, r"nb\.dic: the encoding of a dictionary stands in its \.aff file"),
        ((), None, None, "the strings given has no string to make lines of; write one per line"),
        ("absent.txt", None, None, r"absent\.txt is missing, or no file; give a file of texts"),
        ("a" * 5000 + ":x", None, None, "is missing, or no file"),
    ],
)
def test_what_cannot_be_read(
    tmp_path: Path, given: str | tuple[str, ...], encoding: str | None, delimiter: str | None, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read_list(given, tmp_path, encoding, delimiter)
