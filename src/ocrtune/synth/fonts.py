"""Fonts: where they lie, and what a font can really draw, measured on the font itself.

A font that claims a character may still draw a box, nothing, or a bracket in its place: labels
made with it would be wrong. Drawing lines is `render.py`'s work.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import uharfbuzz as hb

from ocrtune.errors import InputError

FONT_SUFFIXES = frozenset({".ttf", ".otf"})
"""Collections (.ttc) are left out: their faces would need an index beside the path."""

FONT_LIMIT = 64 * 2**20
"""Bytes; the largest Noto CJK face takes 25 MiB."""

UPRIGHT_LETTERS = frozenset("EHILTXhiklmnrx")
"""Letters that stand on the baseline in every Latin text font, script and italic ones included."""

BASELINE_TOLERANCE = 0.15
"""Em. Text fonts measured stay within 0.01; cmsy10 and cmex10 (symbols at ASCII) hang 0.2 to 1.8 below."""


@dataclass(frozen=True, slots=True, eq=False)
class Font:
    """An open font."""

    family: str
    style: str
    path: Path
    shaper: hb.Font = field(repr=False)
    """HarfBuzz font in font units (its scale is the units per em)."""

    @property
    def name(self) -> str:
        """Family and style: `DejaVu Serif Bold`."""
        return f"{self.family} {self.style}"

    @classmethod
    def open(cls, path: Path) -> Font:
        """Open the font file `path`.

        Raises:
            InputError: missing, over `FONT_LIMIT`, or not a font.
        """
        try:
            if path.stat().st_size > FONT_LIMIT:
                raise InputError(f"{path} is over {FONT_LIMIT >> 20} MiB: too large for a font")
            content = path.read_bytes()
        except OSError as error:
            raise InputError(f"cannot read the font {path}: {error.strerror}") from error
        face = hb.Face(hb.Blob(content))
        if face.glyph_count == 0:
            raise InputError(f"{path} is not a font; give a .ttf or .otf file")
        names = (hb.OTNameIdPredefined.FONT_FAMILY, hb.OTNameIdPredefined.FONT_SUBFAMILY)
        family, style = (face.get_name(name_id) for name_id in names)
        return cls(family or path.stem, style or "Regular", path, hb.Font(face))

    @property
    def units_per_em(self) -> int:
        """Font units per em."""
        return int(self.shaper.face.upem)

    def shape(self, text: str) -> tuple[list[hb.GlyphInfo], list[hb.GlyphPosition]]:
        """Glyphs of `text` in drawing order, with their advances and offsets in font units.

        One script and direction per call: bidirectional text must come in runs.
        """
        buffer = hb.Buffer()
        buffer.add_str(text)
        buffer.guess_segment_properties()
        hb.shape(self.shaper, buffer)
        return buffer.glyph_infos, buffer.glyph_positions or []  # None for an empty text

    def undrawable(self, symbols: Iterable[str]) -> list[str]:
        """Those of `symbols` that this font cannot draw so that a reader could tell them.

        A symbol is drawable when the font maps it, shaping gives no .notdef, its glyphs leave ink
        (white space need not), no other of the symbols is drawn by the same glyphs (last-resort
        fonts draw one box for all; small-caps fonts may draw "a" as "A"), and an upright letter
        stands on the baseline (fonts of mathematical signs put brackets where letters belong).
        """
        mapped = frozenset(self.shaper.face.unicodes)
        drawn_by: dict[tuple[int, ...], list[str]] = {}
        undrawable = []
        for symbol in dict.fromkeys(symbols):
            glyphs = tuple(info.codepoint for info in self.shape(symbol)[0])
            if not mapped.issuperset(map(ord, unicodedata.normalize("NFC", symbol))) or 0 in glyphs:
                undrawable.append(symbol)
            elif not symbol.isspace():
                boxes = [self.shaper.get_glyph_extents(glyph) for glyph in glyphs]
                has_ink = any(box is not None and box.width and box.height for box in boxes)
                if not has_ink or (symbol in UPRIGHT_LETTERS and not self._stands(boxes[0])):
                    undrawable.append(symbol)
                drawn_by.setdefault(glyphs, []).append(symbol)
        twins = [symbol for group in drawn_by.values() if len(group) > 1 for symbol in group]
        return list(dict.fromkeys(undrawable + twins))

    def _stands(self, box: hb.GlyphExtents) -> bool:
        bottom: int = box.y_bearing + box.height  # height is negative: font units point up
        return abs(bottom) <= BASELINE_TOLERANCE * self.units_per_em


def system_font_folders() -> tuple[Path, ...]:
    """Where this operating system keeps fonts; some may not exist."""
    home = Path.home()
    if sys.platform == "win32":
        local = Path(os.environ.get("LOCALAPPDATA", home / "AppData/Local"))
        windows = Path(os.environ.get("WINDIR", "C:/Windows"))
        return (windows / "Fonts", local / "Microsoft/Windows/Fonts")
    if sys.platform == "darwin":
        return (Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts")
    return (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), home / ".local/share/fonts")


def matplotlib_font_folder() -> Path:
    """The text fonts inside the installed matplotlib, found without importing it.

    Raises:
        InputError: matplotlib is not installed.
    """
    spec = importlib.util.find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise InputError("matplotlib is not installed; install it: pip install 'ocrtune[train]'")
    return Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf"


@dataclass(frozen=True, slots=True)
class FontSearch:
    """What a search through font folders found."""

    fonts: tuple[Font, ...]
    """Each name once, sorted by name."""
    refused: dict[Path, str]
    """Font file to the reason it cannot serve."""


def find_fonts(folders: Sequence[Path], symbols: Iterable[str]) -> FontSearch:
    """The fonts below `folders` that draw every one of `symbols`; of one name, the first found."""
    wanted = "".join(dict.fromkeys(symbols))
    found: dict[str, Font] = {}
    refused: dict[Path, str] = {}
    for path in (path for folder in folders for path in sorted(folder.rglob("*"))):
        if path.suffix.lower() not in FONT_SUFFIXES or not path.is_file():
            continue
        try:
            font = Font.open(path)
        except InputError as error:
            refused[path] = str(error)
            continue
        if undrawable := font.undrawable(wanted):
            refused[path] = f"cannot draw {' '.join(undrawable)}"
        else:
            found.setdefault(font.name, font)
    return FontSearch(tuple(found[name] for name in sorted(found)), refused)
