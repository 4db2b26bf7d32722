"""Word lists of the system: found by name, read without what is not a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocrtune.errors import InputError
from ocrtune.synth.texts.dictionaries import (
    dictionary_folders,
    find_dictionaries,
    find_dictionary,
    read_dictionary,
)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, ...]:
    words, hunspell = tmp_path / "dict", tmp_path / "hunspell"
    (hunspell / "sub").mkdir(parents=True)
    words.mkdir()
    (words / "words").write_text("apple\npear\n")
    (words / "README.select-wordlist").write_text("no words\n")
    (hunspell / "nb_NO.aff").write_bytes("# comment\nSET ISO8859-1\nTRY abc\n".encode("latin-1"))
    (hunspell / "nb_NO.dic").write_bytes(
        "4\nbrød/ABC\npå topp/X\nog\\/eller/D\nmelk po:noun\n".encode("latin-1")
    )
    (hunspell / "sub" / "en_US.dic").write_text("2\nwalk/DSG\nnoun\tst:noun\n1984\n")
    return words, hunspell, tmp_path / "absent"


def test_dictionaries_have_names(folders: tuple[Path, ...]) -> None:
    assert {name: path.name for name, path in find_dictionaries(folders).items()} == {
        "words": "words",
        "nb_NO": "nb_NO.dic",
        "en_US": "en_US.dic",
    }


def test_stems_come_without_count_flags_and_morphology(folders: tuple[Path, ...]) -> None:
    read = {name: read_dictionary(path).strings for name, path in find_dictionaries(folders).items()}
    assert read == {
        "words": ("apple", "pear"),
        "nb_NO": ("brød", "på topp", "og/eller", "melk"),
        "en_US": ("walk", "noun", "1984"),
    }


def test_an_affix_file_may_have_a_byte_order_mark_or_a_strange_encoding(tmp_path: Path) -> None:
    path = tmp_path / "x.dic"
    path.write_text("1\nøl\n", "utf-8")
    path.with_suffix(".aff").write_text("\ufeffSET UTF-8\n", "utf-8")
    assert read_dictionary(path).strings == ("øl",)
    path.with_suffix(".aff").write_text("SET KLINGON-1\n")
    with pytest.raises(InputError, match="'KLINGON-1' is no text encoding"):
        read_dictionary(path)
    path.with_suffix(".aff").write_text("TRY abc\n" * 1000)
    assert read_dictionary(path).strings == ("øl",)


def test_a_dictionary_that_is_not_there(folders: tuple[Path, ...]) -> None:
    with pytest.raises(InputError) as caught:
        find_dictionary("nb_NN", folders)
    assert str(caught.value) == "no dictionary 'nb_NN'; there are en_US, nb_NO, words; did you mean nb_NO?"
    with pytest.raises(InputError, match="no dictionary 'nb_NO': this system has none; install one"):
        find_dictionary("nb_NO", folders[2:])


def test_every_system_has_places_to_look() -> None:
    assert all(folder.is_absolute() for folder in dictionary_folders())
    assert dictionary_folders()
