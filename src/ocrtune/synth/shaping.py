"""Text to placed glyphs: itemised by direction, script and font, shaped by HarfBuzz, one visual order.

Labels are logical text in NFC without presentation forms: `label_text` says so, and `shape_line` enforces
it on every line it shapes. Drawing the glyphs is `render.py`'s work.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import Literal, NamedTuple

import uharfbuzz as hb

from ocrtune.errors import InputError
from ocrtune.synth.bidi import Direction, resolve_levels, visual_runs
from ocrtune.synth.characters import CURSIVE_SCRIPTS, is_ignorable, script_of
from ocrtune.synth.fonts import Font

TEXT_LIMIT = 2000
"""Characters of one line; a page's width of small print holds about 200."""

OPEN_LIGATURES = {"liga": False, "clig": False}
"""OpenType features for spaced letters (CSS Text 3, section 8.2)."""

_HarfBuzzDirection = Literal["ltr", "rtl", "ttb"]
"""Even and odd levels, and top to bottom."""

BUFFER_FLAGS = hb.BufferFlags.BOT | hb.BufferFlags.EOT | hb.BufferFlags.DO_NOT_INSERT_DOTTED_CIRCLE
"""A dotted circle under a stray mark would be ink that the label does not have."""

WORD_SEPARATORS = frozenset(" \u00a0")

PRESENTATION_TAGS = frozenset({"<initial>", "<medial>", "<final>", "<isolated>", "<vertical>"})
"""Compatibility decompositions that tell a letter's look from the letter."""

PRESENTATION_FORMS = re.compile("[\ufb00-\ufb4f\ufb50-\ufdef\ufe10-\ufe1f\ufe30-\ufe4f\ufe70-\ufefe]")
"""Where such characters are; the word ligatures and signs at FDF0 are typed as such and stay."""


@dataclass(frozen=True, slots=True)
class ShapedRun:
    """Glyphs of one font, script and direction in drawing order: G entries in every list.

    em, x to the right and y up from the line's origin.
    """

    font: Font
    glyphs: list[int]
    """Ids in the font."""
    clusters: list[int]
    """Index in the text of the first character that a glyph draws; marks and ligatures share one."""
    x: list[float]
    y: list[float]
    advances: list[float]
    """To the next glyph, spacing included: to the right, or downwards in a vertical line."""


@dataclass(frozen=True, slots=True)
class ShapedLine:
    """A line of glyphs, from left to right, or from top to bottom."""

    text: str
    """The label: what was given, in logical order and NFC; clusters are indices into it."""
    runs: list[ShapedRun]
    is_vertical: bool


class _Spacing(NamedTuple):
    """em added after clusters, and to spaces."""

    letter: float
    word: float


class _Item(NamedTuple):
    """Characters `start` to `end` of one font and script, within one level run."""

    start: int
    end: int
    font: Font
    script: str


def label_text(text: str) -> str:
    """`text` in NFC, as a label has it.

    Raises:
        InputError: empty, over `TEXT_LIMIT`, or holding a control character (line breaks and tabs too),
            an unpaired surrogate, or a presentation form: a code point for a letter's look, such as
            U+FE8E for a final alef. Shaping finds the look; a label with it would teach the wrong letter.
    """
    if not text:
        raise InputError("the text of a line is empty; give at least one character")
    if len(text) > TEXT_LIMIT:
        raise InputError(f"a line of {len(text)} characters is over {TEXT_LIMIT}; cut the text into lines")
    if not text.isprintable():  # few lines hold format characters or worse
        for symbol in text:
            if unicodedata.category(symbol) in {"Cc", "Cs"}:
                raise InputError(f"{_name(symbol)} cannot stand in the line {text!r}; remove or replace it")
    composed = unicodedata.normalize("NFC", text)
    for match in PRESENTATION_FORMS.finditer(composed):
        symbol = match.group()
        tag = unicodedata.decomposition(symbol).partition(" ")[0]
        if tag in PRESENTATION_TAGS or (tag and symbol <= "\ufb4f"):
            plain = unicodedata.normalize("NFKC", symbol)
            codes = " ".join(f"U+{ord(letter):04X}" for letter in plain)
            raise InputError(f"{_name(symbol)} in {text!r} is a presentation form; write {codes} ({plain})")
    return composed


def shape_line(
    text: str,
    fonts: Sequence[Font],
    *,
    direction: Direction | None = None,
    letter_spacing: float = 0.0,
    word_spacing: float = 0.0,
    is_vertical: bool = False,
    language: str = "und",
) -> ShapedLine:
    """Shape one line of any script, or of several.

    Args:
        text: logical order; becomes NFC.
        fonts: each character, with the marks on it, is drawn by the first that has it.
        direction: of the paragraph, by which parts of several directions are ordered; by default that of
            the first letter.
        letter_spacing: em after every cluster, ligatures then left open. Not inside cursive scripts,
            where it would tear letters that join (CSS Text 3, section 8.2.1).
        word_spacing: em added to every space and no-break space.
        is_vertical: stack the characters upright from top to bottom, with the font's vertical forms.
            (For a line that is turned, shape it horizontally and rotate the image.)
        language: BCP 47 tag; chooses regional forms, such as `ja` or `zh-Hans` in a CJK font.

    Raises:
        InputError: no label (`label_text`), a character that no font has, or right-to-left text stacked.
    """
    label = label_text(text)
    levels = resolve_levels(label, "ltr" if is_vertical else direction)
    if is_vertical and any(levels):
        raise InputError(f"{label!r} runs right to left and cannot be stacked; draw it along a line instead")
    spacing = _Spacing(letter_spacing, word_spacing)
    runs: list[ShapedRun] = []
    pen = 0.0
    for level_run in visual_runs(levels):
        items = list(_items(label, level_run.start, level_run.end, fonts))
        drawn: _HarfBuzzDirection = "ttb" if is_vertical else level_run.direction
        for item in reversed(items) if drawn == "rtl" else items:
            runs.append(_shape_item(label, item, drawn, language, spacing, pen))
            pen += sum(runs[-1].advances)
    return ShapedLine(label, runs, is_vertical)


def _items(text: str, start: int, end: int, fonts: Sequence[Font]) -> Iterator[_Item]:
    """Cut `text[start:end]` where script or font change."""
    part = text[start:end]
    known = list(map(script_of, part))
    script = next(filter(None, known), "Zyyy")
    if len(fonts) == 1 and {script, None}.issuperset(known):
        yield _Item(start, end, fonts[0], script)
        return
    scripts = []
    for code in known:  # signs, digits and marks go with the letters before them
        script = code or script
        scripts.append(script)
    for (font, script), group in groupby(zip(_choose_fonts(part, fonts), scripts, strict=True)):
        length = sum(1 for _ in group)
        yield _Item(start, start + length, font, script)
        start += length


def _choose_fonts(text: str, fonts: Sequence[Font]) -> list[Font]:
    """For each character the first font that has it and the marks on it."""
    if len(fonts) == 1:
        return [fonts[0]] * len(text)
    chosen: list[Font] = []
    start = 0
    for end in range(1, len(text) + 1):
        if end < len(text) and (is_ignorable(text[end]) or unicodedata.category(text[end])[0] == "M"):
            continue
        unit = text[start:end]
        font = next((font for font in fonts if font.maps(unit)), None)
        if font is None:
            names = ", ".join(font.name for font in fonts)
            raise InputError(f"none of the fonts {names} has {unit!r} of {text!r}; add a font that has it")
        chosen += [font] * len(unit)
        start = end
    return chosen


def _shape_item(
    text: str, item: _Item, drawn: _HarfBuzzDirection, language: str, spacing: _Spacing, pen: float
) -> ShapedRun:
    """Shape one item; its first glyph stands at `pen` (em)."""
    buffer = hb.Buffer()
    # HarfBuzz sees the text around the item, too: Arabic letters join across a change of font.
    buffer.add_str(text, item.start, item.end - item.start)
    buffer.direction, buffer.script, buffer.language = drawn, item.script, language
    buffer.flags = BUFFER_FLAGS
    is_spaced = bool(spacing.letter) and item.script not in CURSIVE_SCRIPTS
    hb.shape(item.font.shaper, buffer, OPEN_LIGATURES if is_spaced else None)
    infos, positions = buffer.glyph_infos, buffer.glyph_positions or []  # None where all is ignorable
    glyphs, clusters = [info.codepoint for info in infos], [info.cluster for info in infos]
    if 0 in glyphs:
        lacking = text[clusters[glyphs.index(0)] : item.end]
        symbol = next((s for s in lacking if not item.font.maps(s)), lacking[0])
        raise InputError(f"the font {item.font.name} cannot draw {symbol!r} of {text!r}; use another font")
    em = 1 / item.font.units_per_em
    if drawn == "ttb":
        advances = [-position.y_advance * em for position in positions]
    else:
        advances = [position.x_advance * em for position in positions]
    if is_spaced:
        for k, (cluster, following) in enumerate(zip(clusters, (*clusters[1:], -1), strict=True)):
            if cluster != following:
                advances[k] += spacing.letter
    if spacing.word:
        for k, cluster in enumerate(clusters):
            if text[cluster] in WORD_SEPARATORS:
                advances[k] += spacing.word
    pens = accumulate(advances, initial=pen)
    if drawn == "ttb":
        x = [position.x_offset * em for position in positions]
        y = [position.y_offset * em - pen for position, pen in zip(positions, pens, strict=False)]
    else:
        x = [position.x_offset * em + pen for position, pen in zip(positions, pens, strict=False)]
        y = [position.y_offset * em for position in positions]
    return ShapedRun(item.font, glyphs, clusters, x, y, advances)


def _name(symbol: str) -> str:
    kind = "unpaired surrogate" if "\ud800" <= symbol <= "\udfff" else "control character"
    return f"U+{ord(symbol):04X} {unicodedata.name(symbol, kind)}"
