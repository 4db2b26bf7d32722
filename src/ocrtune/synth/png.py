"""Images as PNG files, for speed: ISA-L compresses them, five times as fast as zlib at the same size.

What a PNG is: https://www.w3.org/TR/png/ (signature, then chunks of length, name, content and checksum).
"""

from __future__ import annotations

import struct

import numpy as np
from isal import isal_zlib

from ocrtune.records import Image

LEVEL = 1
"""Of ISA-L's 0 to 3. Lines of four profiles take 1.02 to 1.06 times the space that OpenCV's level 1 gives
them, in a sixth of the time; level 0 takes 1.3 times the space, levels 2 and 3 save at most 2 %."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB = 0, 2
_UP = 2
"""The filter that stores each byte less the one above it. Lines take 0.75 (colour) to 1.14 times (black on
white) the space they take without, and up to 10 % less than with "left"."""


def encode_png(image: Image) -> bytes:
    """A grey (H, W) or RGB (H, W, 3) uint8 image as a PNG file."""
    height, width = image.shape[:2]
    rows = image.reshape(height, -1)
    filtered = np.empty((height, rows.shape[1] + 1), np.uint8)
    filtered[:, 0] = _UP
    filtered[:1, 1:] = rows[:1]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    header = struct.pack(">2I5B", width, height, 8, _GREY if image.ndim == 2 else _RGB, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", isal_zlib.compress(filtered, LEVEL)), (b"IEND", b"")
    return b"".join((_SIGNATURE, *(_chunk(name, content) for name, content in chunks)))


def _chunk(name: bytes, content: bytes) -> bytes:
    checksum = isal_zlib.crc32(content, isal_zlib.crc32(name))
    return b"".join((len(content).to_bytes(4), name, content, checksum.to_bytes(4)))
