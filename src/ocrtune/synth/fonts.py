"""A font, and what it can really draw, measured on the font itself.

A font that claims a character may still draw a box, nothing, or a bracket in its place: labels
made with it would be wrong. Drawing lines is `render.py`'s work.
"""

from __future__ import annotations

import statistics
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import uharfbuzz as hb

from ocrtune.errors import InputError
from ocrtune.synth.characters import is_ignorable, script_of
from ocrtune.synth.raster import Outline, rasterise

FONT_LIMIT = 64 * 2**20
"""Bytes; the largest Noto CJK collection takes 26 MiB."""

FACES_LIMIT = 64
"""Faces of a collection; the Noto Sans CJK super collection has 45."""

INSTANCES_LIMIT = 256
"""Named instances of a variable font; families of three axes have about 60."""

UPRIGHT_LETTERS = frozenset("EHILTXhiklmnrx")
"""Letters that stand on the baseline in every Latin text font, script and italic ones included."""

BASELINE_TOLERANCE = 0.15
"""Em. Text fonts measured stay within 0.01; cmsy10 and cmex10 (symbols at ASCII) hang 0.2 to 1.8 below."""

UNDERSCORE_TOP = 0.1
"""Em above the baseline, at most. Text fonts measured have it 0.05 to 0.2 below."""

TELLING_LETTERS = "abdeghnqrt"
"""Small letters that look unlike their capitals, however these are scaled."""

CAPITAL_LIKENESS = 0.7
"""Overlap of a small letter and its capital, drawn to one box. Medians measured: up to 0.62 in 101 text
fonts, bold sans highest; 0.77 to 0.90 in the small capitals of Latin Modern."""

LEAST_ROOM = 1 / 3
"""Advance of a letter with marks over that of its base, at least. Measured: 0.48 and more where an "i" is
wide without its mark, up to 0.2 in Denemo and Monlam fonts, whose letters with marks the next one covers."""


@dataclass(frozen=True, slots=True, eq=False)
class Font:
    """An open font. Pickled by its path: another process opens the file again."""

    family: str
    style: str
    path: Path
    face: int
    """Index in a collection; 0 for a file of one font."""
    instance: int
    """Index of the named instance of a variable font; 0 for a font with one look."""
    shaper: hb.Font = field(repr=False)
    """HarfBuzz font in font units (its scale is the units per em)."""

    def __reduce__(self) -> tuple[Callable[[Path, int, int], Font], tuple[Path, int, int]]:
        return Font.open, (self.path, self.face, self.instance)

    @property
    def name(self) -> str:
        """Family and style: `DejaVu Serif Bold`."""
        return f"{self.family} {self.style}"

    @classmethod
    def open(cls, path: Path, face: int = 0, instance: int = 0) -> Font:
        """Open one font of the file `path`.

        Raises:
            InputError: what `open_fonts` raises, or the file has no such face or instance.
        """
        for font in open_fonts(path):
            if (font.face, font.instance) == (face, instance):
                return font
        raise InputError(f"{path} has no face {face} with an instance {instance}; both are counted from 0")

    @property
    def units_per_em(self) -> int:
        """Font units per em."""
        return int(self.shaper.face.upem)

    @property
    def line_height(self) -> float:
        """From the lowest descender to the highest ascender in em, by the font's own metrics."""
        extents = self.shaper.get_font_extents("ltr")
        return float(extents.ascender - extents.descender) / self.units_per_em

    def glyphs(self, text: str) -> tuple[int, ...]:
        """Ids of the glyphs of `text`, of one script and direction, in drawing order."""
        return tuple(info.codepoint for info in self._shaped(text).glyph_infos)

    def _shaped(self, text: str) -> hb.Buffer:
        buffer = hb.Buffer()
        buffer.add_str(text)
        buffer.guess_segment_properties()
        hb.shape(self.shaper, buffer)
        return buffer

    def maps(self, text: str) -> bool:
        """Whether the character map has every character of `text`, or all the parts it decomposes into."""
        return all(
            is_ignorable(symbol)
            or self.shaper.get_nominal_glyph(ord(symbol)) is not None
            or all(
                symbol != part and self.shaper.get_nominal_glyph(ord(part)) is not None
                for part in unicodedata.normalize("NFD", symbol)
            )
            for symbol in text
        )

    def undrawable(self, symbols: Iterable[str]) -> list[str]:
        """Those of `symbols` that this font cannot draw so that a reader could tell them.

        A symbol is drawable when the font maps it, shaping gives no .notdef, its glyphs leave ink
        (white space need not), no other symbol of its script is drawn by the same glyphs, no letter with
        marks looks as one with others or none or leaves the next one no room, an upright letter stands on
        the baseline (fonts of mathematical signs put brackets where letters belong), and a small letter is
        not drawn as a capital.
        Joiners and other characters without a look of their own need no glyph. A font that `draws_boxes` or
        in which an upright letter hangs can draw nothing; one without `unicode_signs` only letters, digits,
        comma and full stop.

        Raises:
            InputError: the outlines are damaged.
        """
        drawn_by: dict[tuple[int, ...], list[str]] = {}
        undrawable = []
        is_no_text_font = self.draws_boxes() or not all(map(self._stands, UPRIGHT_LETTERS))
        has_signs = self.unicode_signs()
        for symbol in dict.fromkeys(symbols):
            visible = [c for c in unicodedata.normalize("NFC", symbol) if not is_ignorable(c)]
            if not visible:
                continue
            if is_no_text_font or not (has_signs or symbol.isalnum() or symbol in " ,."):
                undrawable.append(symbol)
                continue
            if any(self.shaper.get_nominal_glyph(ord(c)) is None for c in visible):
                undrawable.append(symbol)
                continue
            glyphs = self.glyphs(symbol)
            if 0 in glyphs:
                undrawable.append(symbol)
            elif not symbol.isspace():
                has_ink = any(map(self._leaves_ink, glyphs))
                if not has_ink:
                    undrawable.append(symbol)
                drawn_by.setdefault(glyphs, []).append(symbol)
        twins = [symbol for group in drawn_by.values() if len(group) > 1 for symbol in _twins(group)]
        twins += self._without_a_mark({group[0]: glyphs for glyphs, group in drawn_by.items()})
        narrow = [symbol for group in drawn_by.values() for symbol in group if self._lacks_room(symbol)]
        small = [symbol for group in drawn_by.values() for symbol in group if symbol.islower()]
        capitals = small if small and self.draws_capitals() else []
        return list(dict.fromkeys(undrawable + twins + narrow + capitals))

    def _without_a_mark(self, drawn: dict[str, tuple[int, ...]]) -> list[str]:
        """Letters that look to the pixel like another with the same base: a composite glyph lacks a mark.

        Of two that are alike the one with more marks is drawn wrongly; with equally many nobody knows.

        Args:
            drawn: symbols to their glyphs.
        """
        marked = {_base(symbol) for symbol in drawn if _marks(symbol)}
        alike: dict[tuple[str, float, float, float, float], list[str]] = {}
        for symbol, glyphs in drawn.items():
            base = _base(symbol)
            if base in marked and len(glyphs) == 1 and (box := self.shaper.get_glyph_extents(glyphs[0])):
                key = (base, box.x_bearing, box.y_bearing, box.width, box.height)
                alike.setdefault(key, []).append(symbol)
        wrong = []
        for group in alike.values():
            inks: dict[bytes, list[str]] = {}
            for symbol in group if len(group) > 1 else ():
                inks.setdefault(self._ink_of(drawn[symbol][0]), []).append(symbol)
            for symbols in inks.values():
                marks = {symbol: _marks(symbol) for symbol in _twins(symbols)}
                most, fewest = max(marks.values(), default=0), min(marks.values(), default=0)
                wrong += [symbol for symbol, count in marks.items() if count > fewest or most == fewest]
        return wrong

    def _lacks_room(self, symbol: str) -> bool:
        """Whether the next letter would stand upon this one, which has marks."""
        if not _marks(symbol):
            return False
        # As shaped: a letter that the font takes for a mark has an advance and is given none.
        own, base = (
            sum(glyph.x_advance for glyph in self._shaped(text).glyph_positions)
            for text in (symbol, _base(symbol))
        )
        return bool(own < LEAST_ROOM * base)

    def _ink_of(self, glyph: int) -> bytes:
        """Its pixels at 64 px an em."""
        scale = 64 / self.units_per_em
        bitmap = rasterise(self.shaper, [Outline(glyph, 0.0, 0.0)], (scale, scale))
        return b"" if bitmap is None else bitmap.ink.tobytes()

    def draws_boxes(self) -> bool:
        """Whether this is a last-resort font: it has every character, drawn as a box for its script."""
        glyphs = {self.shaper.get_nominal_glyph(ord(letter)) for letter in TELLING_LETTERS}
        return len(glyphs) == 1 and None not in glyphs

    def unicode_signs(self) -> bool:
        """Whether "|" is upright and "_" low: fonts in TeX's encoding have "—" and "˙" in their places."""
        bar, low = (self._box(symbol) for symbol in "|_")
        return (bar is None or abs(bar.height) > abs(bar.width)) and (
            low is None or low.y_bearing <= UNDERSCORE_TOP * self.units_per_em
        )

    def draws_capitals(self) -> bool:
        """Whether small Latin letters are drawn as capitals, of the same size or smaller.

        Told from the outlines of most of `TELLING_LETTERS`: small capitals are not just scaled ones.
        """
        if self.draws_boxes():
            return False
        likeness = [value for letter in TELLING_LETTERS if (value := self._likeness(letter)) is not None]
        return bool(likeness) and statistics.median(likeness) >= CAPITAL_LIKENESS

    def _likeness(self, letter: str) -> float | None:
        """Common ink over all ink of a letter and its capital, both drawn to one box; None without ink."""
        drawn = []
        for symbol in (letter, letter.upper()):
            glyph = self.shaper.get_nominal_glyph(ord(symbol))
            box = glyph is not None and self.shaper.get_glyph_extents(glyph)
            if not box or not box.width or not box.height:
                return None
            # 24 px a side; half a px of room keeps rounding from adding a row to one of the two.
            x_scale, y_scale = 23 / box.width, -23 / box.height
            origin = (0.5 - box.x_bearing * x_scale, 0.5 - (box.y_bearing + box.height) * y_scale)
            try:
                bitmap = rasterise(self.shaper, [Outline(glyph, *origin)], (x_scale, y_scale))
            except InputError as error:  # 4096 px instead of 24
                raise InputError(
                    f"{self.path} draws {symbol} far beyond its box: the file is damaged"
                ) from error
            if bitmap is None:
                return None
            canvas = np.zeros((24, 24), np.uint8)
            part = bitmap.ink[:24, :24]
            canvas[: part.shape[0], : part.shape[1]] = part
            drawn.append(canvas)
        either = int(np.maximum(*drawn).sum())
        return int(np.minimum(*drawn).sum()) / either if either else None

    def _leaves_ink(self, glyph: int) -> bool:
        box = self.shaper.get_glyph_extents(glyph)
        if box is None or not box.width or not box.height:
            return False
        face = self.shaper.face
        if not (face.has_color_png or face.has_color_svg or face.has_color_layers or face.has_color_paint):
            return True
        # A coloured glyph has extents, but often no outline to draw.
        scale = 32 / self.units_per_em
        bitmap = rasterise(self.shaper, [Outline(glyph, 0.0, 0.0)], (scale, scale))
        return bitmap is not None and bool(bitmap.ink.any())

    def _stands(self, letter: str) -> bool:
        """Whether a letter is on the baseline, if the font has it."""
        box = self._box(letter)
        if box is None:
            return True
        bottom: int = box.y_bearing + box.height  # height is negative: font units point up
        return abs(bottom) <= BASELINE_TOLERANCE * self.units_per_em

    def _box(self, symbol: str) -> hb.GlyphExtents | None:
        glyph = self.shaper.get_nominal_glyph(ord(symbol))
        return None if glyph is None else self.shaper.get_glyph_extents(glyph)


def open_fonts(path: Path) -> tuple[Font, ...]:
    """Every font of the file `path`: the faces of a collection, the named instances of a variable font.

    Raises:
        InputError: missing, over `FONT_LIMIT`, `FACES_LIMIT` or `INSTANCES_LIMIT`, or not a font.
    """
    try:
        if path.stat().st_size > FONT_LIMIT:
            raise InputError(f"{path} is over {FONT_LIMIT >> 20} MiB: too large for a font")
        blob = _map(path)
    except OSError as error:
        raise InputError(f"cannot read the font {path}: {error.strerror}") from error
    except hb.HarfBuzzError as error:
        raise InputError(f"cannot read the font {path}; give a .ttf, .otf or .ttc file") from error
    count = hb.Face(blob).count
    if count > FACES_LIMIT:
        raise InputError(f"{path} claims {count} faces, over {FACES_LIMIT}; give a .ttf, .otf or .ttc file")
    faces = [face for index in range(count) if (face := hb.Face(blob, index)).glyph_count]
    if not faces:
        raise InputError(f"{path} is not a font; give a .ttf, .otf or .ttc file")
    return tuple(font for face in faces for font in _instances(path, face))


def _map(path: Path) -> hb.Blob:
    """The file as a blob: mapped, so that a thousand fonts take no memory of their own."""
    if sys.platform == "win32":  # there a mapped file could not be deleted, nor every path be mapped
        return hb.Blob(path.read_bytes())
    with path.open("rb"):  # tells why a file cannot be read, which HarfBuzz does not
        return hb.Blob.from_file_path(path)


def _instances(path: Path, face: hb.Face) -> list[Font]:
    instances = face.named_instances if face.has_var_data else ()
    if len(instances) > INSTANCES_LIMIT:
        raise InputError(
            f"{path} claims {len(instances)} instances, over {INSTANCES_LIMIT}; use another font"
        )
    names = hb.OTNameIdPredefined
    # Old names know four styles: a family of more gives each weight a family of its own there.
    family = _printable_name(face, names.TYPOGRAPHIC_FAMILY, names.FONT_FAMILY) or path.stem
    if not instances:
        style = _printable_name(face, names.TYPOGRAPHIC_SUBFAMILY, names.FONT_SUBFAMILY) or "Regular"
        return [Font(family, style, path, face.index, 0, hb.Font(face))]
    fonts = []
    for index, instance in enumerate(instances):
        shaper = hb.Font(face)
        shaper.var_named_instance = index
        style = _printable_name(face, instance.subfamily_name_id) or f"Instance {index}"
        fonts.append(Font(family, style, path, face.index, index, shaper))
    return fonts


def _printable_name(face: hb.Face, *name_ids: int) -> str | None:
    """The first name without line breaks and the like, which damaged fonts have and no message could show."""
    names: Iterator[str | None] = map(face.get_name, name_ids)
    return next((name for name in names if name and name.isprintable()), None)


@cache
def _base(symbol: str) -> str:
    """The letter below the marks of a symbol."""
    return unicodedata.normalize("NFD", symbol)[0]


@cache
def _marks(symbol: str) -> int:
    """How many marks a symbol has; the parts of a Hangul syllable are none."""
    return sum(map(bool, map(unicodedata.combining, unicodedata.normalize("NFD", symbol))))


def _twins(symbols: list[str]) -> list[str]:
    """Those of the symbols drawn alike that should not be: A looks the same in three scripts, and µ twice."""
    origins = [(script_of(symbol), unicodedata.normalize("NFKC", symbol)) for symbol in symbols]
    return [
        symbol
        for symbol, (script, plain) in zip(symbols, origins, strict=True)
        if any(script == other and plain != form for other, form in origins)
    ]
