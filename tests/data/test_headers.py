"""Sizes without decoding: equal to decoding's, and never for what it refuses, but for JPEG damage."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrtune.data.headers import image_size, whole_size
from ocrtune.data.images import ImageError, decode_image

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 50, 3), dtype=np.uint8)


def encoded(suffix: str, *flags: int) -> bytes:
    return cv2.imencode(suffix, PIXELS, flags)[1].tobytes()


def saved(image: PIL.Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


PNG = encoded(".png")
JPEG = encoded(".jpg")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_pngs_of_every_kind_are_told_without_decoding(mode: str) -> None:
    image = (
        PIL.Image.new("I;16", (50, 20)) if mode == "I;16" else PIL.Image.new("RGB", (50, 20)).convert(mode)
    )
    assert whole_size(saved(image, "PNG")) == (20, 50)


@pytest.mark.parametrize("flags", [(), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1), (cv2.IMWRITE_JPEG_RST_INTERVAL, 2)])
def test_jpegs_of_every_kind_are_told_without_decoding(flags: tuple[int, ...]) -> None:
    assert whole_size(encoded(".jpg", *flags)) == (20, 50)


def test_what_is_not_told_is_decoded() -> None:
    """A turned photo has the sides of its pixels swapped; a fax of TIFF or BMP is no lesser image."""
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    image = PIL.Image.fromarray(PIXELS)
    for form in ("JPEG", "PNG"):
        turned = saved(image, form, exif=exif)
        assert whole_size(turned) is None
        assert image_size(turned, "") == (50, 20)
    for content in (encoded(".bmp"), encoded(".webp"), saved(image, "TIFF"), JPEG + b"\0"):
        assert whole_size(content) is None
        assert image_size(content, "") == (20, 50)


@pytest.mark.parametrize("content", [PNG, JPEG], ids=["png", "jpeg"])
def test_every_cut_is_seen(content: bytes) -> None:
    for length in range(len(content)):
        assert whole_size(content[:length]) is None
    for length in range(0, len(content) - 20, 50):
        with pytest.raises(ImageError):
            image_size(content[:length], "")


@given(at=st.integers(8, len(PNG) - 1), value=st.integers(1, 255))
def test_every_changed_byte_of_a_png_is_seen(at: int, value: int) -> None:
    content = bytearray(PNG)
    content[at] ^= value
    assert whole_size(bytes(content)) is None


@given(st.binary(max_size=200))
def test_no_bytes_break_it(content: bytes) -> None:
    for start in (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"):
        whole_size(start + content)
        whole_size(start + content + b"\xff\xd9")


def test_a_bomb_is_refused_by_its_header() -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    bomb = PNG[:8] + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    assert whole_size(bomb) is None
    with pytest.raises(ImageError, match="image too large"):
        image_size(bomb, "")


@pytest.mark.parametrize("name", ["receipts", "plates", "typewritten"])
def test_real_lines_have_the_size_that_decoding_gives(shared: Path, name: str) -> None:
    folder = shared / "real" / name / "val/images"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    for path in sorted(folder.iterdir())[:100]:
        content = path.read_bytes()
        assert image_size(content, "") == decode_image(content, "").shape[:2]
