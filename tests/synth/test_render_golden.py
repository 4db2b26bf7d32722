"""The bytes that `render_line` draws: models trained on them are only as repeatable as they are."""

from __future__ import annotations

import hashlib

import pytest
import uharfbuzz as hb

from ocrtune.synth.fonts import Font, matplotlib_font_folder
from ocrtune.synth.render import render_line

HARFBUZZ = "15.0.0"
"""Whose outlines and rasteriser the digests were taken with."""


@pytest.mark.skipif(hb.version_string() != HARFBUZZ, reason=f"digests hold for HarfBuzz {HARFBUZZ} only")
@pytest.mark.parametrize(
    ("file", "digest"),
    [
        ("DejaVuSans.ttf", "397ebe19fc398183494f602f15f3174bbef0fe05e57c7795a62a496b88caf55f"),
        ("DejaVuSerif-Italic.ttf", "52b63a3544422b0dc0bdb3f39ac21028e56036fee844cab471317dcd347b5cc6"),
        ("STIXGeneral.ttf", "49f963ed651dffc6d0fc2d6a418edec907ffb89986c77d995b730e6b20a1d835"),
    ],
)
def test_plain_latin_lines_keep_their_bytes(file: str, digest: str) -> None:
    font = Font.open(matplotlib_font_folder() / file)
    drawn = hashlib.sha256()
    for text, size, word_spacing in [
        ("Office AVATAR 12,90", 24, 0.0),
        ("brød fjord ÆØÅ (3 × 4)", 21.37, 2.5),
        ("a\u0301e\u0323 ffi To. 'x'", 48, 0.6),
        (" leading and trailing ", 13.5, 1.0),
    ]:
        ink = render_line(text, font, size, word_spacing)
        drawn.update(repr(ink.shape).encode() + ink.tobytes())
    assert drawn.hexdigest() == digest
