"""A search keeps the fonts that draw what is wanted and says what the others lack."""

from __future__ import annotations

import shutil
import string
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from ocrtune.synth.font_search import find_fonts, matplotlib_font_folder

NORWEGIAN = string.ascii_letters + string.digits + "æøåÆØÅ,. "


@pytest.fixture(scope="module")
def folder() -> Path:
    return matplotlib_font_folder()


def test_search_keeps_the_text_fonts_and_says_what_others_lack(folder: Path) -> None:
    search = find_fonts([folder], NORWEGIAN)
    assert {font.family for font in search.fonts} == {
        "DejaVu Sans",
        "DejaVu Sans Mono",
        "DejaVu Serif",
        "STIXGeneral",
    }
    roman = next(font for font in search.lacks if font.path.name == "cmr10.ttf")
    assert search.lacks[roman] == set("æøåÆØÅ")
    assert [font.name for font in search.lacks] == sorted(font.name for font in search.lacks)


def test_search_names_the_symbols_that_no_font_draws(folder: Path) -> None:
    search = find_fonts([folder / "DejaVuSans.ttf", folder / "cmr10.ttf"], "aøѪ한글")
    assert search.missing == "한글"
    assert search.fonts == ()
    assert [font.family for font in search.covering("aø")] == ["DejaVu Sans"]
    assert [font.family for font in search.covering("a")] == ["DejaVu Sans", "cmr10"]
    assert find_fonts([], "ab").missing == "ab"


def test_search_takes_a_font_once_and_survives_broken_files(folder: Path, tmp_path: Path) -> None:
    for name in ("a.ttf", "sub/B.TTF"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(folder / "DejaVuSans.ttf", tmp_path / name)
    (tmp_path / "broken.otf").write_bytes(b"OTTO" + bytes(100))
    (tmp_path / "readme.txt").write_text("not a font")
    search = find_fonts([tmp_path, tmp_path / "absent", tmp_path / "readme.txt"], "ab")
    assert [font.path for font in search.fonts] == [tmp_path / "a.ttf"]
    assert list(search.refused) == [tmp_path / name for name in ("broken.otf", "absent", "readme.txt")]
    assert search.refused[tmp_path / "absent"] == f"there is no file or folder {tmp_path / 'absent'}"
    assert "readme.txt is not a font" in search.refused[tmp_path / "readme.txt"]


def test_of_one_name_the_font_that_draws_all_stays(folder: Path, tmp_path: Path) -> None:
    with TTFont(folder / "cmr10.ttf") as font:
        for table in font["cmap"].tables:
            table.cmap.pop(ord("b"), None)
        font.save(tmp_path / "1-partial.ttf")
    shutil.copy(folder / "cmr10.ttf", tmp_path / "2-whole.ttf")
    assert [font.path.name for font in find_fonts([tmp_path], "ab").lacks] == ["2-whole.ttf"]
    assert [font.path.name for font in find_fonts([tmp_path], "ac").lacks] == ["1-partial.ttf"]
