"""Scripts are shaped as a printer would, and every glyph knows which characters of the label it draws.

The fonts are those of Debian 12: fonts-noto-core 20201225, fonts-noto-cjk 20220127, fonts-hosny-amiri 0.113.
"""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrtune.errors import InputError
from ocrtune.synth.bidi import Direction
from ocrtune.synth.font_search import matplotlib_font_folder, system_font_folders
from ocrtune.synth.fonts import Font
from ocrtune.synth.shaping import TEXT_LIMIT, ShapedLine, label_text, shape_line

PACKAGES = {"Amiri": "fonts-hosny-amiri", "NotoSansCJK": "fonts-noto-cjk", "Noto": "fonts-noto-core"}


def debian_font(file: str) -> Font:
    """A font of the packages above; the test is skipped where it is not installed."""
    for folder in system_font_folders():
        for path in folder.rglob(file):
            return Font.open(path)
    package = next(package for start, package in PACKAGES.items() if file.startswith(start))
    pytest.skip(f"{file} is not installed: apt-get install {package}")


@pytest.fixture(scope="module")
def sans() -> Font:
    return Font.open(matplotlib_font_folder() / "DejaVuSans.ttf")


def names(line: ShapedLine) -> str:
    """Names of the glyphs in drawing order."""
    return " ".join(run.font.shaper.get_glyph_name(glyph) for run in line.runs for glyph in run.glyphs)


def clusters(line: ShapedLine) -> list[int]:
    return [cluster for run in line.runs for cluster in run.clusters]


def thousandths(values: list[float]) -> list[int]:
    return [round(value * 1000) for value in values]


@pytest.mark.parametrize(
    ("file", "text", "glyphs", "indices", "x"),
    [
        (
            "Amiri-Regular.ttf",
            "سلام 12.5",  # letters join, lam and alef meet, the number stands left and reads rightwards
            "one two period five space uni0645 uni0627.fina_LamAlfFina uni0644.medi_LamAlfFina uni0633.init",
            [5, 6, 7, 8, 4, 3, 2, 1, 0],
            [0, 532, 1064, 1266, 1798, 2090, 2542, 2988, 3233],
        ),
        (
            "Amiri-Regular.ttf",
            "(ب) لا",  # brackets are mirrored: the closing one, at the left, opens to the right
            "uni0627.fina_LamAlfIsol uni0644.init_LamAlfIsol space parenleft uni0628 parenright",
            [5, 4, 3, 2, 1, 0],
            [0, 340, 642, 934, 1392, 2318],
        ),
        (
            "NotoNaskhArabic-Regular.ttf",
            "بيت",  # initial, medial and final form
            "uniFE96 uniFEF4 uniFE91",
            [2, 1, 0],
            [0, 817, 1177],
        ),
        (
            "NotoSansHebrew-Regular.ttf",
            "שָׁלוֹם",  # marks share the cluster of their letter
            "uni05DD uni05B9 uni05D5 uni05DC uni05B8 uni05C1 uni05E9",
            [6, 4, 4, 3, 0, 0, 0],
            [0, 766, 674, 975, 1724, 2036, 1497],
        ),
        (
            "NotoSansDevanagari-Regular.ttf",
            "क्षत्रिय हिन्दी",  # conjuncts; the short i stands before the consonants it follows
            "kassadeva ivowelsign03deva taradeva yadeva space ivowelsign03deva hadeva naprehalfdeva dadeva "
            "iivowelsign1deva",
            [0, 3, 3, 7, 8, 9, 9, 11, 13, 13],
            [0, 712, 971, 1523, 2103, 2363, 2622, 3153, 3462, 3982],
        ),
        (
            "NotoSansThai-Regular.ttf",
            "น้ำ ที่",  # sara am parts around the tone mark; stacked marks get smaller
            "uni0E19 uni0E4D uni0E49.small uni0E32 space uni0E17 uni0E35 uni0E48.small",
            [0, 0, 0, 0, 3, 4, 4, 4],
            [0, 613, 584, 613, 1019, 1279, 1885, 1885],
        ),
    ],
)
def test_scripts(file: str, text: str, glyphs: str, indices: list[int], x: list[int]) -> None:
    line = shape_line(text, [debian_font(file)])
    assert names(line) == glyphs
    assert clusters(line) == indices
    assert [value for run in line.runs for value in thousandths(run.x)] == x
    assert line.text == text


def test_stacked_cjk_takes_vertical_forms_from_top_to_bottom() -> None:
    font = debian_font("NotoSansCJK-Regular.ttc")
    across, stacked = (
        shape_line("日ー、「", [font]).runs[0],
        shape_line("日ー、「", [font], is_vertical=True).runs[0],
    )
    turned = [a != b for a, b in zip(across.glyphs, stacked.glyphs, strict=True)]
    assert turned == [False, True, True, True]
    assert stacked.clusters == [0, 1, 2, 3]
    assert thousandths(stacked.x) == [-500, -500, -500, -500]  # centred on the line
    assert thousandths(stacked.y) == [-880, -1880, -2880, -3880]
    spaced = shape_line("日 本", [font], is_vertical=True, letter_spacing=0.5, word_spacing=1.0).runs[0]
    plain = shape_line("日 本", [font], is_vertical=True).runs[0]
    assert thousandths([plain.y[2] - spaced.y[2]]) == [2000]


def test_the_language_chooses_regional_forms() -> None:
    font = debian_font("NotoSansCJK-Regular.ttc")
    forms = {
        language: shape_line("直", [font], language=language).runs[0].glyphs[0]
        for language in ("ja", "zh-Hans")
    }
    assert forms["ja"] != forms["zh-Hans"]


def test_each_character_takes_the_first_font_that_has_it() -> None:
    latin, hebrew = debian_font("NotoSans-Regular.ttf"), debian_font("NotoSansHebrew-Regular.ttf")
    line = shape_line("a א1", [latin, hebrew])
    assert [(run.font, run.clusters) for run in line.runs] == [(latin, [0, 1]), (latin, [3]), (hebrew, [2])]
    assert thousandths([run.x[0] for run in line.runs]) == [0, 821, 1393]
    with pytest.raises(InputError, match=r"none of the fonts Noto Sans Regular, .* has 'ก' of 'aก'"):
        shape_line("aก", [latin, hebrew])


def test_a_mark_stays_in_the_font_of_its_letter(sans: Font) -> None:
    """The first font has the circumflex but not the letter: taken from it, the mark would miss the letter."""
    signs = Font.open(matplotlib_font_folder() / "STIXSizOneSymReg.ttf")
    assert signs.maps("\u0302")
    assert [run.font for run in shape_line("q\u0302", [signs, sans]).runs] == [sans]


@pytest.mark.parametrize(("direction", "drawn"), [("ltr", [1, 0, 2]), ("rtl", [2, 1, 0]), (None, [2, 1, 0])])
def test_the_base_direction_orders_the_parts(
    sans: Font, direction: Direction | None, drawn: list[int]
) -> None:
    assert clusters(shape_line("אבa", [sans], direction=direction)) == drawn


def test_letter_spacing_opens_ligatures_and_keeps_kerning(sans: Font) -> None:
    plain, spaced = (
        shape_line("fiAV", [sans]).runs[0],
        shape_line("fiAV", [sans], letter_spacing=0.25).runs[0],
    )
    assert plain.clusters == [0, 2, 3]  # one glyph for fi
    assert spaced.clusters == [0, 1, 2, 3]
    unligated = shape_line("f\u200ciAV", [sans]).runs[0]
    widths = {"spaced": sum(spaced.advances), "plain": sum(unligated.advances)}
    assert thousandths([widths["spaced"] - widths["plain"]]) == [1000]


def test_letter_spacing_leaves_letters_that_join(sans: Font) -> None:
    """Spread apart, the letters of a word would no longer touch."""
    assert shape_line("سلام", [sans], letter_spacing=0.5) == shape_line("سلام", [sans])
    mixed, plain = shape_line("ab سلام", [sans], letter_spacing=0.5), shape_line("ab سلام", [sans])
    gained = [sum(m.advances) - sum(p.advances) for m, p in zip(mixed.runs, plain.runs, strict=True)]
    assert thousandths(gained) == [1500, 0]  # a, b and the space


def test_word_spacing_widens_spaces_alone(sans: Font) -> None:
    plain, spaced = (
        shape_line("a b\u00a0c", [sans]).runs[0],
        shape_line("a b\u00a0c", [sans], word_spacing=2).runs[0],
    )
    gained = [s - p for s, p in zip(spaced.advances, plain.advances, strict=True)]
    assert thousandths(gained) == [0, 2000, 0, 2000, 0]


def test_a_stray_mark_gets_no_dotted_circle() -> None:
    line = shape_line("ि", [debian_font("NotoSansDevanagari-Regular.ttf")])
    assert "dottedcircle" not in names(line)
    assert "uni25CC" not in names(line)
    assert len(clusters(line)) == 1


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("한a", {}, "font DejaVu Sans Book cannot draw '한' of '한a'; use another font"),
        ("a\u0301한", {}, "cannot draw '한' of 'á한'"),
        ("אב", {"is_vertical": True}, "'אב' runs right to left and cannot be stacked"),
    ],
)
def test_what_cannot_be_shaped_is_an_input_error(
    sans: Font, text: str, options: dict[str, bool], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        shape_line(text, [sans], is_vertical=options.get("is_vertical", False))


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("a\u0301\u0323", "ạ\u0301"),
        ("Å", "Å"),  # the Ångström sign is canonically the letter
        ("ſt Ⅷ ½ Ａ ﷼ ﷺ", "ſt Ⅷ ½ Ａ ﷼ ﷺ"),  # looks that carry meaning, or are typed as such
        ("ש\u05c1", "ש\u05c1"),
        ("\u200fa\u200d", "\u200fa\u200d"),
    ],
)
def test_labels_are_nfc_and_nothing_more(text: str, label: str) -> None:
    assert label_text(text) == label


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "text of a line is empty"),
        ("a\nb", r"U\+000A control character cannot stand in the line 'a\\nb'"),
        ("a\ud800", r"U\+D800 unpaired surrogate"),
        ("\ufe8e", r"U\+FE8E ARABIC LETTER ALEF FINAL FORM in .* is a presentation form; write U\+0627"),
        ("ﻻ", r"write U\+0644 U\+0627"),
        ("ﬁn", r"U\+FB01 LATIN SMALL LIGATURE FI in .*write U\+0066 U\+0069 \(fi\)"),
        ("︵1︶", r"U\+FE35 .* write U\+0028"),  # vertical brackets: shaping stands them upright
        ("a" * (TEXT_LIMIT + 1), f"a line of {TEXT_LIMIT + 1} characters is over {TEXT_LIMIT}"),
    ],
)
def test_texts_that_are_no_label_are_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        label_text(text)


ALPHABET = "abfiAV" + "אבג" + "ابتلم" + "01٢" + "() ,.-" + "\u0301\u05b0\u064b\u200d\u200f"


@given(st.text(ALPHABET, min_size=1, max_size=30))
def test_every_character_belongs_to_one_cluster_and_runs_stand_side_by_side(text: str) -> None:
    font = Font.open(matplotlib_font_folder() / "DejaVuSans.ttf")
    line = shape_line(text, [font])
    assert line.text == unicodedata.normalize("NFC", text)
    for run in line.runs:
        assert set(run.clusters).issubset(range(len(line.text)))
        steps = {b > a for a, b in pairwise(run.clusters) if a != b}
        assert len(steps) <= 1  # one direction
    of_run = [set(run.clusters) for run in line.runs]
    assert sum(map(len, of_run)) == len(set().union(*of_run))
    letters = [i for i, symbol in enumerate(line.text) if unicodedata.category(symbol)[0] in "LN"]
    assert not letters or min(set().union(*of_run)) <= letters[0]
