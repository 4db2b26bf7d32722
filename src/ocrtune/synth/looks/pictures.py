"""Pictures to print on: found in folders that a profile names, opened within limits."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from ocrtune.errors import InputError
from ocrtune.records import Image

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})

PICTURES_LIMIT = 10_000
"""Files in a folder of pictures; a plan names each, so the list stays in memory."""

PIXEL_LIMIT = 64 * 10**6
"""Of a picture, by its header: as for images of lines."""

SIDE_LIMIT = 2048
"""px; larger pictures are halved until they fit, for the sake of memory."""


def list_pictures(option: str, folder: Path) -> list[str]:
    """The picture files that `option` names: itself, or those directly in the folder that it is.

    Args:
        option: a path as written in a profile.
        folder: what a relative path starts from.

    Raises:
        ValueError: there is none, or there are over `PICTURES_LIMIT`.
    """
    path = folder / option
    if path.is_file():
        return [str(path)]
    if not path.is_dir():
        raise ValueError(f"{path} is neither a picture nor a folder")
    found = sorted(str(p) for p in path.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES and p.is_file())
    if not found:
        raise ValueError(f"{path} holds no picture ({' '.join(sorted(PICTURE_SUFFIXES))})")
    if len(found) > PICTURES_LIMIT:
        raise ValueError(f"{path} holds over {PICTURES_LIMIT} pictures; copy some of them into a folder")
    return found


@lru_cache(maxsize=32)
def open_picture(path: str) -> Image:
    """Read a picture: (H, W, 3) RGB uint8, at most `SIDE_LIMIT` px a side.

    Raises:
        InputError: missing, over `PIXEL_LIMIT`, or no picture.
    """
    try:
        with PillowImage.open(path) as picture:
            if picture.width * picture.height > PIXEL_LIMIT:
                raise InputError(f"{path} has over {PIXEL_LIMIT // 10**6} million pixels; make it smaller")
            factor = -(-max(picture.size) // SIDE_LIMIT)
            return np.array(picture.convert("RGB").reduce(factor))
    # Pillow's decoders raise these and others of their own on broken files.
    except (OSError, ValueError, SyntaxError, PillowImage.DecompressionBombError) as error:
        raise InputError(f"cannot read the picture {path}: {error}; remove it or give another") from error
