"""Which font draws which text: of those with its symbols and of a wanted kind, each family equally often.

Were it each font equally often, a family of 36 cuts would draw most lines.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from ocrtune.synth.font_search import FontSearch
from ocrtune.synth.fonts import Font
from ocrtune.synth.raster import Outline, rasterise

FontKind = Literal["sans", "serif", "monospace"]
WantedKind = Literal["any", "sans", "serif", "monospace"]

SERIF_RATIO = 1.5
"""Ink of the feet of "H" over that of its stems. Measured on 32 text fonts: 1.0 without serifs, 1.99 and
more with."""

FALLBACK_INK_HEIGHT = 0.95
"""em, of fonts without Latin letters; those of the fonts measured are 0.89 to 0.99."""


def kind_of(font: Font) -> FontKind | None:
    """The kind of a font, measured on its letters; None where it has no "H", "M" and "i"."""
    glyphs = [font.shaper.get_nominal_glyph(ord(letter)) for letter in "HMi"]
    if None in glyphs:
        return None
    wide, narrow = (font.shaper.get_glyph_h_advance(glyph) for glyph in glyphs[1:])
    if wide == narrow:
        return "monospace"
    box = font.shaper.get_glyph_extents(glyphs[0])
    if box is None or not box.height:
        return None
    scale = 64 / abs(box.height)
    bitmap = rasterise(font.shaper, [Outline(glyphs[0], 0.0, 0.0)], (scale, scale))
    if bitmap is None:
        return None
    rows = bitmap.ink.sum(axis=1, dtype=np.int64).tolist()
    stems = statistics.median(rows[len(rows) * 6 // 10 : len(rows) * 8 // 10])
    feet = statistics.median(rows[-4:-1])  # the last row is partly covered
    return "serif" if feet > SERIF_RATIO * stems else "sans"


def ink_height(font: Font) -> float:
    """From the top of "d" to the foot of "g", em: the height of the ink of most lines."""
    tops_and_feet = []
    for letter in "dg":
        glyph = font.shaper.get_nominal_glyph(ord(letter))
        box = None if glyph is None else font.shaper.get_glyph_extents(glyph)
        if box is None or not box.height:
            return FALLBACK_INK_HEIGHT
        tops_and_feet.append((box.y_bearing, box.y_bearing + box.height))
    return float(tops_and_feet[0][0] - tops_and_feet[1][1]) / font.units_per_em


@dataclass(frozen=True, slots=True)
class FontSet:
    """The fonts of one line: the first draws what it has, the next what that lacks."""

    fonts: tuple[Font, ...]
    ink_height: float
    """Of the first, em."""


@dataclass(frozen=True, slots=True)
class FontChoice:
    """Chooses fonts by text. Picklable; another process opens the fonts anew."""

    fonts: tuple[Font, ...]
    preferred: frozenset[int]
    """Indices of those of the wanted kinds; others serve where these cannot."""
    unable: dict[str, frozenset[int]]
    """Symbol to the indices of the fonts that cannot draw it. Symbols that were not expected are added."""
    _alone: dict[frozenset[int], tuple[tuple[FontSet, ...], ...]] = field(
        default_factory=dict, repr=False, compare=False
    )
    """Fonts that cannot draw a text to those of which each can, by family: filled as texts come."""
    _everywhere: set[str] = field(default_factory=set, repr=False, compare=False)
    """Symbols that are in every font: filled likewise."""

    @classmethod
    def of(cls, search: FontSearch, kinds: Sequence[WantedKind]) -> FontChoice:
        """The fonts of `search`, those of `kinds` preferred; all alike where there are none of these."""
        fonts = tuple(search.lacks)
        of_kind = frozenset(i for i, font in enumerate(fonts) if "any" in kinds or kind_of(font) in kinds)
        unable = {
            symbol: frozenset(i for i, lacking in enumerate(search.lacks.values()) if symbol in lacking)
            for symbol in search.wanted
        }
        return cls(fonts, of_kind or frozenset(range(len(fonts))), unable)

    def choose(self, text: str, rng: np.random.Generator) -> FontSet | None:
        """Fonts that can draw `text`: one with all of it, else several; None where a symbol is in none."""
        unable = [self._unable(symbol) for symbol in set(text).difference(self._everywhere)]
        key = frozenset().union(*unable)
        if key not in self._alone:
            able = [i for i in range(len(self.fonts)) if i not in key]
            chosen = [i for i in able if i in self.preferred] or able
            self._alone[key] = tuple(map(tuple, _by_family([self.fonts[i] for i in chosen])))
        families = self._alone[key] or self._together(text)
        if not families:
            return None
        number, place = divmod(rng.random() * len(families), 1)
        family = families[int(number)]
        return family[int(place * len(family))]

    def _together(self, text: str) -> tuple[tuple[FontSet, ...], ...]:
        """Fonts that draw `text` only together: the one that draws most of it first."""
        missing = set(text)
        found: list[Font] = []
        while missing:
            draws = [{s for s in missing if i not in self._unable(s)} for i in range(len(self.fonts))]
            best = max(range(len(draws)), key=lambda i: (len(draws[i]), i in self.preferred, -i))
            if not draws[best]:
                return ()
            found.append(self.fonts[best])
            missing -= draws[best]
        return ((FontSet(tuple(found), ink_height(found[0])),),)

    def _unable(self, symbol: str) -> frozenset[int]:
        unable = self.unable.get(symbol)
        if unable is None:
            unable = frozenset(i for i, font in enumerate(self.fonts) if font.undrawable([symbol]))
            self.unable[symbol] = unable
        if not unable:
            self._everywhere.add(symbol)
        return unable


def _by_family(fonts: Sequence[Font]) -> Iterable[list[FontSet]]:
    """Fonts in their order; faces of one file, such as the regional ones of a CJK font, are of one family."""
    families: dict[str, list[FontSet]] = {}
    family_of_file: dict[Path, str] = {}
    for font in fonts:
        family = family_of_file.setdefault(font.path, font.family)
        families.setdefault(family, []).append(FontSet((font,), ink_height(font)))
    return families.values()
