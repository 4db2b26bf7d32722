"""Decoding: every sensible file gives upright 8-bit pixels, every other one an error that names it."""

from __future__ import annotations

import io
import pickle
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL.Image
import pytest

from ocrtune.data import images
from ocrtune.data.images import ImageError, decode_image, read_image
from ocrtune.data.rejects import RejectReason

GREY = np.array([[0, 64, 128], [192, 255, 10]], np.uint8)
RGB = np.dstack([GREY, GREY[::-1], GREY[:, ::-1]])


def encoded(pixels: np.ndarray, image_format: str = "PNG", mode: str | None = None, **options: Any) -> bytes:
    image = PIL.Image.fromarray(pixels)
    file = io.BytesIO()
    (image.convert(mode) if mode else image).save(file, image_format, **options)
    return file.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that declares any size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


def rotated() -> PIL.Image.Exif:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side: turn by 90 degrees clockwise
    return exif


WHITE_THEN_HALF = np.array([[[0, 0, 0, 0], [0, 0, 0, 255], [255, 0, 0, 255]]], np.uint8)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (encoded(GREY), GREY),
        (encoded(RGB), RGB),
        (encoded(RGB, "BMP"), RGB),
        (encoded(RGB, "TIFF"), RGB),
        (encoded(RGB, "WEBP", lossless=True), RGB),
        (encoded(RGB, "PPM"), RGB),
        # Transparent black is the usual background of a screen's crop: it must not turn black.
        (encoded(WHITE_THEN_HALF), np.array([[[255] * 3, [0] * 3, [255, 0, 0]]], np.uint8)),
        (encoded(WHITE_THEN_HALF[:, :2], mode="LA"), np.array([[255, 0]], np.uint8)),
        # A palette is colour, transparent or not.
        (encoded(GREY, mode="P"), np.dstack([GREY] * 3)),
        # One bit: faxes.
        (encoded(GREY > 100, "TIFF"), np.where(GREY > 100, 255, 0).astype(np.uint8)),
        # 16 bits keep their upper eight.
        (encoded(GREY.astype(np.uint16) * 257), GREY),
        (cv2.imencode(".tiff", RGB[:, :, ::-1].astype(np.uint16) * 257)[1].tobytes(), RGB),
        # EXIF rotation, in formats where Pillow leaves it to us and in TIFF, where it does not.
        (encoded(RGB, exif=rotated()), np.rot90(RGB, -1)),
        (encoded(RGB, "TIFF", exif=rotated()), np.rot90(RGB, -1)),
    ],
)
def test_decoded_pixels(content: bytes, expected: np.ndarray) -> None:
    pixels = decode_image(content, "x")
    np.testing.assert_array_equal(pixels, expected)
    assert pixels.dtype == np.uint8
    assert pixels.flags.writeable
    assert pixels.flags.c_contiguous


@pytest.mark.parametrize(
    ("content", "reason", "detail"),
    [
        (b"", RejectReason.EMPTY_IMAGE, "0 bytes"),
        (b"hello", RejectReason.BROKEN_IMAGE, "none of JPEG, PNG, BMP, WEBP, TIFF, GIF, PPM"),
        # Formats outside the list are not tried, though Pillow could.
        (encoded(RGB, "JPEG2000"), RejectReason.BROKEN_IMAGE, "none of"),
        # OpenCV 4 would return these half grey.
        (encoded(RGB, "JPEG")[:-20], RejectReason.BROKEN_IMAGE, "truncated"),
        (encoded(RGB)[:50], RejectReason.BROKEN_IMAGE, "truncated"),
        (encoded(GREY.astype(np.float32), "TIFF"), RejectReason.BROKEN_IMAGE, "floating-point"),
        # Just over our limit; over Pillow's own; 2**62 pixels.
        (bomb(8_001, 8_000), RejectReason.TOO_LARGE, "8001 x 8000 px, over 64 million"),
        (bomb(30_000, 30_000), RejectReason.TOO_LARGE, "over 64 million"),
        (bomb(2**31 - 1, 2**31 - 1), RejectReason.TOO_LARGE, "over 64 million"),
    ],
)
def test_undecodable_content_is_named(content: bytes, reason: RejectReason, detail: str) -> None:
    with pytest.raises(ImageError) as raised:
        decode_image(content, "labels/7.png")
    assert raised.value.reason is reason
    assert detail in raised.value.detail
    assert str(raised.value) == (
        f"labels/7.png: {reason}: {raised.value.detail}; replace the file or leave it out"
    )


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # pytest replaces the filter of images.py
def test_damaged_bytes_never_raise_anything_else() -> None:
    """Each decoder fails in its own way on noise; all of it must arrive as an ImageError."""
    rng = np.random.default_rng(0)
    originals = [encoded(RGB, name) for name in images.FORMATS]
    refused = 0
    for i in range(350):
        content = bytearray(originals[i % len(originals)])
        for position in rng.integers(0, len(content), 6):
            content[position] = rng.integers(0, 256)
        try:
            decode_image(bytes(content), "x")
        except ImageError:
            refused += 1
    assert refused > 100


@pytest.mark.parametrize(
    ("mode", "image_format"),
    [
        ("1", "PNG"),
        ("L", "PNG"),
        ("LA", "PNG"),
        ("P", "GIF"),
        ("RGB", "PNG"),
        ("RGBA", "PNG"),
        ("CMYK", "JPEG"),
    ],
)
def test_a_large_image_is_turned_into_pixels_strip_by_strip(
    monkeypatch: pytest.MonkeyPatch, mode: str, image_format: str
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (23, 10, 4), np.uint8)
    content = encoded(pixels, image_format, mode)
    at_once = decode_image(content, "x")
    monkeypatch.setattr(images, "STRIP_PIXELS", 50)  # 5 rows, and 3 at the end
    assert np.array_equal(decode_image(content, "x"), at_once)


def test_read_image_takes_any_file_name(tmp_path: Path) -> None:
    """cv2.imread fails on such names on Windows."""
    path = tmp_path / "blåbær 漢字.png"
    path.write_bytes(encoded(GREY))
    np.testing.assert_array_equal(read_image(path), GREY)


@pytest.mark.parametrize("name", ["nowhere.png", ".", "a\0b.png", "x" * 300])
def test_read_image_names_what_is_not_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(ImageError) as raised:
        read_image(tmp_path / name)
    assert raised.value.reason is RejectReason.MISSING_IMAGE
    assert str(raised.value).startswith(f"{tmp_path / name}: missing image: ")


def test_a_large_file_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "FILE_LIMIT", 10)
    path = tmp_path / "large.png"
    path.write_bytes(encoded(GREY))
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("was read"))
    with pytest.raises(ImageError) as raised:
        read_image(path)
    assert raised.value.reason is RejectReason.TOO_LARGE


def test_an_error_comes_whole_out_of_a_worker_process() -> None:
    error = pickle.loads(pickle.dumps(ImageError(RejectReason.EMPTY_IMAGE, "a.png", "0 bytes")))
    assert str(error) == "a.png: empty image: 0 bytes; replace the file or leave it out"
    assert error.reason is RejectReason.EMPTY_IMAGE
