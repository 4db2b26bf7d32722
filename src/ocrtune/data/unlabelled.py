"""Line images without labels: a folder's, evenly chosen, decoded under the limits of all images."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import PIL.Image

from ocrtune.data.images import ImageError, decode_image, read_encoded
from ocrtune.errors import InputError
from ocrtune.reading.files import IMAGE_SUFFIXES
from ocrtune.records import Image


@dataclass(frozen=True, slots=True, eq=False)
class UnlabelledImage:
    """An image, and what its file says beside."""

    path: Path
    image: Image
    """(H, W) grey or (H, W, 3) RGB uint8."""
    jpeg_quality: int | None
    """1..100; None for other formats."""


def list_images(folder: Path) -> list[Path]:
    """The image files in a folder, at any depth, by name.

    Raises:
        InputError: there is no such folder, or no image in it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give one with images of lines")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    if not found:
        raise InputError(f"{folder} holds no images ({', '.join(sorted(IMAGE_SUFFIXES))})")
    return found


def chosen_evenly(paths: list[Path], count: int) -> list[Path]:
    """`count` of them, or all where there are fewer: neighbours by name are often of one page."""
    count = min(count, len(paths))
    return [paths[i * len(paths) // count] for i in range(count)]


def read_images(paths: list[Path]) -> Iterator[UnlabelledImage | ImageError]:
    """Decode one after the other; what cannot be read comes as the error that says why."""
    for path in paths:
        try:
            content = read_encoded(path)
            image = decode_image(content, str(path))
        except ImageError as error:
            yield error
        else:
            yield UnlabelledImage(path, image, jpeg_quality(content))


def jpeg_quality(content: bytes) -> int | None:
    """The quality that a decodable JPEG was saved with, by its luminance table; None for other formats.

    It is that of the common encoder whose table has the nearest sum (Independent JPEG Group; also Pillow's).
    """
    if not content.startswith(b"\xff\xd8"):
        return None
    with PIL.Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
        tables: dict[int, list[int]] = image.quantization  # type: ignore[attr-defined]
    if not tables:
        return None
    total = sum(tables[min(tables)])  # the first is that of luminance
    sums = _table_sums()
    return min(range(1, 101), key=lambda quality: abs(sums[quality - 1] - total))


@cache
def _table_sums() -> tuple[int, ...]:
    """Of the luminance table of qualities 1 to 100, as the encoder itself writes it."""
    sums = []
    for quality in range(1, 101):
        buffer = io.BytesIO()
        PIL.Image.new("L", (8, 8)).save(buffer, "JPEG", quality=quality)
        with PIL.Image.open(buffer, formats=("JPEG",)) as image:
            tables: dict[int, list[int]] = image.quantization  # type: ignore[attr-defined]
        sums.append(sum(tables[0]))
    return tuple(sums)
