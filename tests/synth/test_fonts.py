"""Only fonts that really draw every symbol are offered, told by measuring them."""

from __future__ import annotations

import shutil
import string
from pathlib import Path

import pytest

from ocrtune.errors import InputError
from ocrtune.synth.fonts import FONT_LIMIT, Font, find_fonts, matplotlib_font_folder

NORWEGIAN = string.ascii_letters + string.digits + "æøåÆØÅ,. "


@pytest.fixture(scope="module")
def folder() -> Path:
    return matplotlib_font_folder()


@pytest.mark.parametrize(
    ("file", "symbols", "undrawable"),
    [
        ("DejaVuSans.ttf", NORWEGIAN, ""),
        ("DejaVuSans.ttf", "A한", "한"),  # not in its character map
        ("cmr10.ttf", "aæøå", "æøå"),  # text font of ASCII only
        ("cmex10.ttf", "Hn,", "Hn"),  # has brackets at the code points of letters
        ("cmsy10.ttf", "nx", "nx"),  # has signs at the code points of small letters
        ("STIXNonUni.ttf", "Ab", "Ab"),  # has private code points only
        ("LastResortHE-Regular.ttf", "ab", "ab"),  # draws one box for both
        ("DejaVuSans.ttf", " \u00a0", ""),  # white space leaves no ink, and may share its glyph
        ("DejaVuSans.ttf", "a\u200b", "\u200b"),  # a mark nobody can see is no symbol to label
    ],
)
def test_undrawable_symbols_are_named(folder: Path, file: str, symbols: str, undrawable: str) -> None:
    assert Font.open(folder / file).undrawable(symbols) == list(undrawable)


def test_search_keeps_the_text_fonts_and_says_why_others_are_left_out(folder: Path) -> None:
    search = find_fonts([folder], NORWEGIAN)
    assert {font.family for font in search.fonts} == {
        "DejaVu Sans",
        "DejaVu Sans Mono",
        "DejaVu Serif",
        "STIXGeneral",
    }
    assert search.refused[folder / "cmr10.ttf"] == "cannot draw æ ø å Æ Ø Å"


def test_search_takes_a_font_once_and_survives_broken_files(folder: Path, tmp_path: Path) -> None:
    for name in ("a.ttf", "sub/B.TTF"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(folder / "DejaVuSans.ttf", tmp_path / name)
    (tmp_path / "broken.otf").write_bytes(b"OTTO" + bytes(100))
    (tmp_path / "readme.txt").write_text("not a font")
    search = find_fonts([tmp_path, tmp_path / "absent"], "ab")
    assert [font.path for font in search.fonts] == [tmp_path / "a.ttf"]
    assert list(search.refused) == [tmp_path / "broken.otf"]


def test_a_file_that_is_no_font_is_an_input_error(tmp_path: Path) -> None:
    path = tmp_path / "x.ttf"
    with pytest.raises(InputError, match=r"cannot read the font .*x\.ttf"):
        Font.open(path)
    path.write_bytes(b"hello")
    with pytest.raises(InputError, match=r"x\.ttf is not a font; give a"):
        Font.open(path)
    with path.open("wb") as file:
        file.truncate(FONT_LIMIT + 1)
    with pytest.raises(InputError, match="over 64 MiB"):
        Font.open(path)
