"""A decoded page as a picture that browsers draw, for files that they do not: PDF, TIFF, PPM."""

from __future__ import annotations

import cv2

from ocrtune.records import Image

PICTURE_PX = 4 * 10**6
"""px of a picture at most: an A4 page at 200 dpi, as PDFs are drawn, has 3.9 million and keeps them all."""

PICTURE_SIDE = 16_000
"""px of a picture's side at most; JPEG ends at 65,535, and browsers draw nothing beyond 16,384 to 32,767."""

QUALITY = 85
"""Of JPEG. Measured on a full page of small print, 3.9 million px: 1 MB, made in 25 ms."""


def encode_picture(page: Image) -> bytes:
    """A page, (H, W) or (H, W, 3) uint8, as a JPEG of its shape, made smaller where it is over a limit."""
    height, width = page.shape[:2]
    scale = min(1.0, (PICTURE_PX / (height * width)) ** 0.5, PICTURE_SIDE / max(height, width))
    if scale < 1:
        size = (max(1, int(width * scale)), max(1, int(height * scale)))
        page = cv2.resize(page, size, interpolation=cv2.INTER_AREA)
    pixels = page if page.ndim == 2 else page[..., ::-1]  # OpenCV writes BGR
    return bytes(cv2.imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, QUALITY))[1])
