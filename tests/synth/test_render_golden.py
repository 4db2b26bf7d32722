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
        ("DejaVuSans.ttf", "c93d38275a60458f0da619e8f040fc765ff1ca38a839c2afc5f3c754c64db07c"),
        ("DejaVuSerif-Italic.ttf", "18454b730741485216bf475b34be6b5ffcea91606f8903c62a0de68f98e1018a"),
        ("STIXGeneral.ttf", "9f0338e012ee831d0e8e864aa1f20956730345ddec7e2528bd3bf840983fff95"),
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
        ink = render_line(text, font, size)
        drawn.update(repr(ink.shape).encode() + ink.tobytes())
    assert drawn.hexdigest() == digest
