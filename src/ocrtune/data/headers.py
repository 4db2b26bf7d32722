"""An image's size from its header, with proof that the file is whole, without decoding a pixel.

For the plain PNG and JPEG files that nearly all sets are made of; everything else is decoded (`images.py`).
"""

from __future__ import annotations

import struct
import zlib

from ocrtune.data.images import PIXEL_LIMIT, decode_image

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_CHUNK = struct.Struct(">I4s")
_PNG_HEADER = struct.Struct(">IIBBBBB")
"""Width, height, bit depth, colour type, compression, filter, interlacing (PNG 1.2, 11.2.2)."""
_PNG_COLOURS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""Bit depths that go with each colour type."""

_JPEG_START = b"\xff\xd8\xff"
_JPEG_END = b"\xff\xd9"
_JPEG_FRAMES = (0xC0, 0xC1, 0xC2)
"""Baseline, extended and progressive (ITU-T T.81, table B.1)."""
_JPEG_SCAN = 0xDA
_JPEG_APP1 = 0xE1
_JPEG_FRAME = struct.Struct(">BHHB")
"""Precision, height, width, components."""


def image_size(content: bytes, where: str) -> tuple[int, int]:
    """(H, W) in px of an encoded image, as `decode_image` would give it.

    A PNG with right checksums to its end, and a JPEG with a sound header and its end mark, are not
    decoded; whatever else is. So all that decodes is accepted, and of what does not only a JPEG
    damaged between header and end can pass.

    Raises:
        ImageError: as `decode_image`.
    """
    if (size := whole_size(content)) is not None:
        return size
    height, width = decode_image(content, where).shape[:2]
    return height, width


def whole_size(content: bytes) -> tuple[int, int] | None:
    """(H, W) of a whole PNG or JPEG; None where only decoding can tell."""
    if content.startswith(_PNG_SIGNATURE):
        size = _png_size(content)
    elif content.startswith(_JPEG_START) and content.endswith(_JPEG_END):
        size = _jpeg_size(content)
    else:
        return None
    return size if size is not None and 0 < size[0] * size[1] <= PIXEL_LIMIT else None


def _png_size(content: bytes) -> tuple[int, int] | None:
    view = memoryview(content)
    size = None
    has_pixels = False
    at = len(_PNG_SIGNATURE)
    while at + 12 <= len(content):
        length, kind = _PNG_CHUNK.unpack_from(content, at)
        end = at + 8 + length
        if end + 4 > len(content):
            return None
        if zlib.crc32(view[at + 4 : end]) != int.from_bytes(view[end : end + 4]):
            return None
        if kind == b"IHDR":
            if size is not None or length != _PNG_HEADER.size:
                return None
            width, height, depth, colour, compression, filtering, interlacing = _PNG_HEADER.unpack_from(
                content, at + 8
            )
            if depth not in _PNG_COLOURS.get(colour, ()) or compression or filtering or interlacing > 1:
                return None
            size = height, width
        elif kind == b"IDAT":
            has_pixels = True
        elif kind == b"IEND":
            return size if has_pixels else None
        elif kind in (b"eXIf", b"acTL"):  # turned, or moving
            return None
        at = end + 4
    return None


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    size = None
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        kind = content[at + 1]
        if kind == 0xFF:  # a fill byte
            at += 1
            continue
        length = int.from_bytes(content[at + 2 : at + 4])
        if kind == _JPEG_SCAN:
            return size
        # Exif may say that the image is turned.
        if kind == _JPEG_APP1 or at + 2 + length > len(content):
            return None
        if kind in _JPEG_FRAMES:
            if size is not None or length < 2 + _JPEG_FRAME.size:
                return None
            precision, height, width, components = _JPEG_FRAME.unpack_from(content, at + 4)
            if precision != 8 or components not in (1, 3):
                return None
            size = height, width
        at += 2 + length
    return None
