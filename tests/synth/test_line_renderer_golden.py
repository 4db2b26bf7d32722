"""The bytes that plain lines are drawn with: models trained on them are only as repeatable as they are."""

from __future__ import annotations

import hashlib

import pytest
import uharfbuzz as hb

from ocrtune.synth.font_search import matplotlib_font_folder
from ocrtune.synth.fonts import Font
from ocrtune.synth.render import LineRenderer
from ocrtune.synth.shaping import shape_line

HARFBUZZ = "15.0.0"
"""Whose outlines and rasteriser the digests were taken with."""


@pytest.mark.skipif(hb.version_string() != HARFBUZZ, reason=f"digests hold for HarfBuzz {HARFBUZZ} only")
@pytest.mark.parametrize(
    ("file", "digest"),
    [
        ("DejaVuSans.ttf", "91e0d5d58e8319757e5f4fccb5b730412718ac47063e8fbde4bfdbd591b32ac1"),
        ("DejaVuSerif-Italic.ttf", "a852f7536f3367c6229ba2fd5f3f0b9f12356b1e43a2c13969e0ce1143c0a7d4"),
        ("STIXGeneral.ttf", "7d52e98aac3a0ddbaa7ee471f9b5f4bbc201104ecd1ea88b7896df8dd3113fb8"),
    ],
)
def test_plain_latin_lines_keep_their_bytes(file: str, digest: str) -> None:
    font = Font.open(matplotlib_font_folder() / file)
    drawn = hashlib.sha256()
    for text, size in [
        ("Office AVATAR 12,90", 24),
        ("brød fjord ÆØÅ (3 × 4)", 21.37),
        ("a\u0301e\u0323 ffi To. 'x'", 48),
        (" leading and trailing ", 13.5),
    ]:
        ink = LineRenderer().draw(shape_line(text, [font]), size).ink
        drawn.update(repr(ink.shape).encode() + ink.tobytes())
    assert drawn.hexdigest() == digest
