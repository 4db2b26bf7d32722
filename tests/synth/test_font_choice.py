"""Fonts by kind and by text."""

from __future__ import annotations

import pickle
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from fontTools.ttLib import TTCollection, TTFont

from ocrtune.synth.font_choice import FontChoice, ink_height, kind_of
from ocrtune.synth.font_search import FontSearch, find_fonts, matplotlib_font_folder
from ocrtune.synth.fonts import Font

FOLDER = matplotlib_font_folder()


def open_font(name: str) -> Font:
    return Font.open(FOLDER / f"{name}.ttf")


@pytest.fixture(scope="module")
def search() -> FontSearch:
    return find_fonts([FOLDER], "abcdefghiklmnABCHM0123øЖ∫")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("DejaVuSans", "sans"),
        ("DejaVuSans-BoldOblique", "sans"),
        ("DejaVuSerif", "serif"),
        ("DejaVuSerif-BoldItalic", "serif"),
        ("STIXGeneralItalic", "serif"),
        ("cmr10", "serif"),
        ("cmss10", "sans"),
        ("DejaVuSansMono", "monospace"),
        ("cmtt10", "monospace"),
        ("STIXSizOneSymReg", None),
    ],
)
def test_kinds_are_measured_on_the_letters(name: str, kind: str | None) -> None:
    assert kind_of(open_font(name)) == kind


def test_ink_height_is_from_ascender_to_descender() -> None:
    font = open_font("DejaVuSans")
    drawn = [font.shaper.get_glyph_extents(font.shaper.get_nominal_glyph(ord(letter))) for letter in "dg"]
    top, foot = drawn[0].y_bearing, drawn[1].y_bearing + drawn[1].height
    assert ink_height(font) == (top - foot) / font.units_per_em
    assert ink_height(open_font("STIXSizOneSymReg")) == 0.95


def names(choice: FontChoice, text: str) -> set[str]:
    rng = np.random.default_rng(0)
    chosen = [choice.choose(text, rng) for _ in range(200)]
    return {"+".join(font.name for font in fonts.fonts) for fonts in chosen if fonts}


def test_only_fonts_of_the_wanted_kind_draw_what_they_can(search: FontSearch) -> None:
    choice = FontChoice.of(search, ["monospace"])
    drawn = names(choice, "abc")
    assert drawn
    assert all("Mono" in name or "cmtt" in name for name in drawn)
    assert not any("cmtt" in name for name in names(choice, "Ж"))


def test_another_kind_serves_where_the_wanted_one_lacks_a_symbol(search: FontSearch) -> None:
    mono_without = [font for font in search.lacks if kind_of(font) == "monospace" and "cmtt" in font.name]
    only = FontSearch(
        search.wanted,
        {
            font: search.lacks[font]
            for font in (*mono_without, open_font("DejaVuSans"))
            if font in search.lacks
        }
        | {font: lacking for font, lacking in search.lacks.items() if font.name == "DejaVu Sans Book"},
        {},
    )
    choice = FontChoice.of(only, ["monospace"])
    assert names(choice, "abc") == {"cmtt10 Regular"}
    assert names(choice, "Ж") == {"DejaVu Sans Book"}


def test_families_come_equally_often(search: FontSearch) -> None:
    """Four cuts of DejaVu Sans Mono do not outnumber the one of cmtt10."""
    choice = FontChoice.of(search, ["monospace"])
    rng = np.random.default_rng(0)
    drawn = Counter(choice.choose("abc", rng).fonts[0].name for _ in range(2000))  # type: ignore[union-attr]
    cuts = {name: count for name, count in drawn.items() if name.startswith("DejaVu Sans Mono")}
    assert drawn.keys() == {"cmtt10 Regular", *cuts}
    assert len(cuts) == 4
    # Five standard deviations of 2,000 fair coins are 112.
    assert sum(cuts.values()) == pytest.approx(1000, abs=112)
    assert all(count == pytest.approx(250, abs=74) for count in cuts.values())


def test_the_faces_of_a_file_are_one_family(tmp_path: Path) -> None:
    """A CJK font comes as a collection with a face for each region, and the same Latin letters in all."""
    collection = TTCollection()
    collection.fonts = [TTFont(FOLDER / f"{name}.ttf") for name in ("cmtt10", "cmr10", "cmss10")]
    collection.save(tmp_path / "collection.ttc")
    shutil.copy(FOLDER / "DejaVuSans.ttf", tmp_path)
    choice = FontChoice.of(find_fonts([tmp_path], "abc"), ["any"])
    rng = np.random.default_rng(0)
    drawn = Counter(choice.choose("abc", rng).fonts[0].family for _ in range(1000))  # type: ignore[union-attr]
    assert len(drawn) == 4
    assert drawn["DejaVu Sans"] == pytest.approx(500, abs=79)


def test_no_font_of_the_kind_leaves_all(search: FontSearch) -> None:
    serifs = FontSearch(search.wanted, {f: m for f, m in search.lacks.items() if kind_of(f) == "serif"}, {})
    choice = FontChoice.of(serifs, ["monospace"])
    assert len(choice.preferred) == len(serifs.lacks)


def test_fonts_draw_together_what_none_draws_alone() -> None:
    pair = {font.name: font for font in (open_font("cmr10"), open_font("cmtt10"))}
    search = FontSearch(
        "aø∫", {pair["cmr10 Regular"]: frozenset("∫"), pair["cmtt10 Regular"]: frozenset("ø")}, {}
    )
    choice = FontChoice.of(search, ["any"])
    assert names(choice, "ø∫") == {"cmr10 Regular+cmtt10 Regular"}


def test_a_symbol_in_no_font_gives_none(search: FontSearch) -> None:
    assert FontChoice.of(search, ["any"]).choose("a中", np.random.default_rng(0)) is None


def test_a_choice_is_pickled_with_its_fonts(search: FontSearch) -> None:
    choice = FontChoice.of(search, ["serif"])
    assert names(pickle.loads(pickle.dumps(choice)), "abc") == names(choice, "abc")
