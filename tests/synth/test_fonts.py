"""Only fonts that really draw every symbol are offered, told by measuring them."""

from __future__ import annotations

import copy
import pickle
import shutil
import string
import tempfile
from pathlib import Path

import numpy as np
import pytest
from fontTools.colorLib.builder import buildCOLR, buildCPAL
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.recordingPen import RecordingPen
from fontTools.pens.transformPen import TransformPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.subset import Options as SubsetOptions
from fontTools.subset import Subsetter
from fontTools.ttLib import TTCollection, TTFont
from fontTools.ttLib.tables.otTables import PaintFormat
from fontTools.ttLib.tables.TupleVariation import TupleVariation
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrtune.errors import InputError
from ocrtune.synth.font_search import find_fonts, matplotlib_font_folder
from ocrtune.synth.fonts import FACES_LIMIT, FONT_LIMIT, INSTANCES_LIMIT, Font, open_fonts
from ocrtune.synth.render import LineRenderer
from ocrtune.synth.shaping import shape_line

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
        ("cmex10.ttf", "Hn,", "Hn,"),  # has brackets at the code points of letters
        ("cmsy10.ttf", "nx", "nx"),  # has signs at the code points of small letters
        ("cmsy10.ttf", "THU-1", "THU-1"),  # and so an arrow for "-", whatever else is asked for
        ("cmr10.ttf", "Ab1,.<_|{", "<_|{"),  # TeX's encoding: "¡" for "<", "˙" for "_", "—" for "|"
        ("cmmi10.ttf", "ab1+!", "+!"),
        ("cmtt10.ttf", "<_|{", ""),
        ("STIXNonUni.ttf", "Ab", "Ab"),  # has private code points only
        ("LastResortHE-Regular.ttf", "ab", "ab"),  # draws one box for both
        ("LastResortHE-Regular.ttf", "中", "中"),  # a box, too, and no other symbol tells
        ("DejaVuSans.ttf", " \u00a0", ""),  # white space leaves no ink, and may share its glyph
        ("cmr10.ttf", "a\u200c\u200d\u2067", ""),  # joiners and direction marks need no glyph
    ],
)
def test_undrawable_symbols_are_named(folder: Path, file: str, symbols: str, undrawable: str) -> None:
    assert Font.open(folder / file).undrawable(symbols) == list(undrawable)


def test_line_height_spans_ascenders_and_descenders(folder: Path) -> None:
    assert Font.open(folder / "DejaVuSans.ttf").line_height == pytest.approx(1.164, abs=0.001)


@pytest.fixture
def collection(folder: Path, tmp_path: Path) -> Path:
    faces = TTCollection()
    faces.fonts = [TTFont(folder / name) for name in ("cmr10.ttf", "cmtt10.ttf")]
    path = tmp_path / "two.ttc"
    faces.save(path)
    return path


def test_every_face_of_a_collection_is_found(folder: Path, collection: Path) -> None:
    assert [(font.family, font.face) for font in open_fonts(collection)] == [("cmr10", 0), ("cmtt10", 1)]
    assert [font.family for font in find_fonts([collection.parent], "ab").fonts] == ["cmr10", "cmtt10"]
    assert Font.open(collection, 1).family == "cmtt10"
    with pytest.raises(
        InputError, match=r"two\.ttc has no face 2 with an instance 0; both are counted from 0"
    ):
        Font.open(collection, 2)
    with pytest.raises(InputError, match=r"has no face -1"):
        Font.open(collection, -1)


def test_a_collection_of_too_many_faces_is_refused(collection: Path) -> None:
    """By its count, before any face is looked at: the tables are not where these offsets say."""
    content = collection.read_bytes()
    offset = content[12:16]
    header = b"ttcf" + bytes((0, 1, 0, 0)) + (FACES_LIMIT + 1).to_bytes(4, "big")
    path = collection.with_name("many.ttc")
    path.write_bytes(header + offset * (FACES_LIMIT + 1) + content)
    with pytest.raises(InputError, match=rf"many\.ttc claims {FACES_LIMIT + 1} faces"):
        open_fonts(path)


def test_a_font_travels_to_another_process_by_its_path(collection: Path) -> None:
    sent = pickle.dumps(Font.open(collection, 1))
    assert len(sent) < 1000
    received = pickle.loads(sent)
    assert (received.name, received.path, received.face) == ("cmtt10 Regular", collection, 1)
    assert received.undrawable("ab") == []


def write_variable(folder: Path, path: Path, weights: dict[str, int]) -> Path:
    """cmr10 with a weight axis that moves the right half of H by up to 100 units, and named weights."""
    with TTFont(folder / "cmr10.ttf") as font:
        builder = FontBuilder(font=font)
        named = [{"location": {"wght": weight}, "stylename": name} for name, weight in weights.items()]
        builder.setupFvar([("wght", 400, 400, 900, "Weight")], named)
        letter = font.getBestCmap()[ord("H")]
        deltas = [(100 if x > 700 else 0, 0) for x, _ in font["glyf"][letter].coordinates]
        phantoms = [(0, 0)] * 4
        builder.setupGvar({letter: [TupleVariation({"wght": (0, 1, 1)}, deltas + phantoms)]})
        font.save(path)
    return path


def test_the_named_instances_of_a_variable_font_are_fonts(folder: Path, tmp_path: Path) -> None:
    variable = write_variable(folder, tmp_path / "variable.ttf", {"Thin": 400, "Fat": 900})
    thin, fat = open_fonts(variable)
    assert (thin.name, fat.name) == ("cmr10 Thin", "cmr10 Fat")
    widths = [
        font.shaper.get_glyph_extents(font.shaper.get_nominal_glyph(ord("H"))).width for font in (thin, fat)
    ]
    assert widths[1] - widths[0] == 100
    received = pickle.loads(pickle.dumps(fat))
    assert (received.name, received.instance) == ("cmr10 Fat", 1)
    inks = [LineRenderer().draw(shape_line("H", [font]), 100).ink for font in (thin, fat, received)]
    assert np.array_equal(inks[1], inks[2])
    assert inks[1].shape[1] - inks[0].shape[1] == 5  # 100 of 2048 units at 100 px
    assert [font.style for font in find_fonts([variable], "Ha").fonts] == ["Fat", "Thin"]
    with pytest.raises(InputError, match="has no face 0 with an instance 2"):
        Font.open(variable, 0, 2)
    many = {f"W{k}": 400 + k for k in range(INSTANCES_LIMIT + 1)}
    with pytest.raises(InputError, match=rf"many\.ttf claims {INSTANCES_LIMIT + 1} instances"):
        open_fonts(write_variable(folder, tmp_path / "many.ttf", many))


def small_capitals(source: Path, target: Path, scale: float, weight: int) -> Path:
    """A copy of a font whose small letters are its capitals, scaled and made bolder by `weight` units."""
    with TTFont(source) as font:
        names, glyphs = font.getBestCmap(), font.getGlyphSet()
        for letter in "abcdefghijklmnopqrstuvwxyz":
            pen = TTGlyphPen(None)
            recording = RecordingPen()
            glyphs[names[ord(letter.upper())]].draw(recording)
            recording.replay(TransformPen(pen, (scale, 0, 0, scale, 0, 0)))
            recording.replay(TransformPen(pen, (scale, 0, 0, scale, weight, 0)))
            font["glyf"][names[ord(letter)]] = pen.glyph()
        font.save(target)
    return target


def test_small_capitals_are_found_and_reported(folder: Path, tmp_path: Path) -> None:
    small_capitals(folder / "cmr10.ttf", tmp_path / "caps.ttf", 0.75, 30)
    shutil.copy(
        folder / "DejaVuSans-Bold.ttf", tmp_path / "bold.ttf"
    )  # its small letters come closest to capitals
    search = find_fonts([tmp_path], "aBc1")
    assert [font.path.name for font in search.drawn_as_capitals()] == ["caps.ttf"]
    assert [font.path.name for font in search.fonts] == ["bold.ttf"]
    assert Font.open(tmp_path / "caps.ttf").undrawable("aBc1") == ["a", "c"]
    assert Font.open(tmp_path / "caps.ttf").undrawable("AB1") == []


def test_capitals_at_the_code_points_of_small_letters_are_found(folder: Path, tmp_path: Path) -> None:
    """Asked for small letters alone, no other symbol tells that they are capitals."""
    with TTFont(folder / "cmr10.ttf") as font:
        for table in font["cmap"].tables:
            for letter in range(ord("a"), ord("z") + 1):
                table.cmap[letter] = table.cmap[letter - 32]
        font.save(tmp_path / "upper.ttf")
    assert Font.open(tmp_path / "upper.ttf").undrawable("abc1") == ["a", "b", "c"]


def test_text_fonts_do_not_draw_capitals_for_small_letters(folder: Path) -> None:
    assert find_fonts([folder], "a").drawn_as_capitals() == ()


def test_a_coloured_glyph_without_an_outline_is_not_drawable(folder: Path, tmp_path: Path) -> None:
    """Its extents are those of its layers, which the rasteriser does not draw."""
    with TTFont(folder / "cmr10.ttf") as font:
        a, b = (font.getBestCmap()[ord(letter)] for letter in "ab")
        font["glyf"][b] = TTGlyphPen(None).glyph()
        solid = {"Format": PaintFormat.PaintSolid, "PaletteIndex": 0, "Alpha": 1.0}
        font["COLR"] = buildCOLR(
            {b: {"Format": PaintFormat.PaintGlyph, "Glyph": a, "Paint": solid}}, version=1
        )
        font["CPAL"] = buildCPAL([[(0, 0, 0, 1)]])
        font.save(tmp_path / "coloured.ttf")
    coloured = Font.open(tmp_path / "coloured.ttf")
    box = coloured.shaper.get_glyph_extents(coloured.shaper.get_nominal_glyph(ord("b")))
    assert box.width > 0
    assert coloured.undrawable("abc") == ["b"]


def test_letters_that_look_alike_in_several_scripts_are_drawable(folder: Path, tmp_path: Path) -> None:
    """Latin and Cyrillic A may share a glyph, and both signs for micro; two Latin letters may not."""
    with TTFont(folder / "cmr10.ttf") as font:
        for table in font["cmap"].tables:
            if table.isUnicode():
                table.cmap |= {ord(s): table.cmap[ord("A")] for s in "А"} | {
                    ord(s): table.cmap[109] for s in "µμ"
                }
                table.cmap[ord("C")] = table.cmap[ord("D")]
        font.save(tmp_path / "shared.ttf")
    assert Font.open(tmp_path / "shared.ttf").undrawable("AАµμBCD") == ["C", "D"]


@pytest.fixture(scope="module")
def few_letters(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """DejaVu Sans with a few letters, which opens and saves at once."""
    target = tmp_path_factory.mktemp("few") / "few.ttf"
    with TTFont(folder / "DejaVuSans.ttf") as font:
        subsetter = Subsetter(SubsetOptions(layout_features=[], hinting=False))
        subsetter.populate(text="aâạậeêdghnqrtEHILTXiklmx|_")
        subsetter.subset(font)
        font.save(target)
    return target


@pytest.mark.parametrize(
    ("drawn_as", "undrawable"),
    [
        (
            {"ậ": "ạ"},
            "ậ",
        ),  # as Carlito does with capitals: its labels would teach that a circumflex says nothing
        ({"ậ": "a"}, "ậ"),
        ({"ạ": "a", "ậ": "â"}, "ạậ"),
        ({"â": "ạ"}, "âạ"),  # one of the two is wrong
        ({"ậ": "e"}, ""),  # not looked for: every glyph would have to be compared with every other
    ],
)
def test_letters_drawn_without_a_mark_are_found(
    few_letters: Path, tmp_path: Path, drawn_as: dict[str, str], undrawable: str
) -> None:
    """Composite glyphs of their own, so that no glyph is drawn for two letters."""
    with TTFont(few_letters) as font:
        names = font.getBestCmap()
        for letter, other in drawn_as.items():
            font["glyf"][names[ord(letter)]] = copy.deepcopy(font["glyf"][names[ord(other)]])
        font.save(tmp_path / "lost.ttf")
    assert Font.open(few_letters).undrawable("aâạậeê") == []
    assert sorted(Font.open(tmp_path / "lost.ttf").undrawable("aâạậeê")) == sorted(undrawable)


def test_letters_that_the_next_one_would_cover_are_found(few_letters: Path, tmp_path: Path) -> None:
    """As in fonts of Denemo and Monlam, which give some letters no room; a narrow one is no fault."""
    with TTFont(few_letters) as font:
        names = font.getBestCmap()
        for letter, part in (("ậ", 0.2), ("â", 0.0), ("ê", 0.5)):
            width, bearing = font["hmtx"][names[ord(letter)]]
            font["hmtx"][names[ord(letter)]] = (round(part * width), bearing)
        font.save(tmp_path / "covered.ttf")
    assert sorted(Font.open(tmp_path / "covered.ttf").undrawable("aâạậeê")) == sorted("ậâ")


def test_a_family_is_the_typographic_one(folder: Path, tmp_path: Path) -> None:
    """Names of 1990 know four styles: a family of ten weights is ten families there."""
    with TTFont(folder / "cmr10.ttf") as font:
        for name_id, name in (
            (1, "Roman Light Condensed"),
            (2, "Regular"),
            (16, "Roman"),
            (17, "Light Condensed"),
        ):
            font["name"].setName(name, name_id, 3, 1, 0x409)
        font.save(tmp_path / "light.ttf")
    opened = Font.open(tmp_path / "light.ttf")
    assert (opened.family, opened.name) == ("Roman", "Roman Light Condensed")


def test_ignorable_characters_need_no_glyph(folder: Path) -> None:
    roman = Font.open(folder / "cmr10.ttf")
    assert roman.maps("a\u200d\u200f\ufe0f\u2069")
    assert not roman.maps("\u06dd")  # an Arabic sign that is drawn, though its category is that of joiners
    assert not roman.maps("aØ")
    assert roman.maps("é") is roman.maps("e\u0301")


@settings(max_examples=60)
@given(st.data())
def test_damaged_files_give_an_error_or_a_font_and_never_a_crash(data: st.DataObject) -> None:
    content = bytearray((matplotlib_font_folder() / "cmtt10.ttf").read_bytes())
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    else:
        for position in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=20)):
            content[position] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "damaged.ttf"
        path.write_bytes(content)
        message = "refused"
        try:
            font = Font.open(path)
            assert set(font.undrawable("Hab,")) <= set("Hab,")
            line = LineRenderer().draw(shape_line("Hab,", [font]), 24)
            assert line.character_boxes().shape == (4, 4)
        except InputError as error:
            message = str(error)
        assert len(message.splitlines()) == 1


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
