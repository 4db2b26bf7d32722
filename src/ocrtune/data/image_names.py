"""Names of image files in a folder that is written: those the lines had, safe on every system, each once."""

from __future__ import annotations

import re
from pathlib import Path

from ocrtune.data.file_names import name_key, safe_name
from ocrtune.reading.files import IMAGE_SUFFIXES

IMAGES = "images"

_SUFFIXES = {
    b"\xff\xd8": ".jpg",
    b"\x89P": ".png",
    b"BM": ".bmp",
    b"RI": ".webp",
    b"II": ".tif",
    b"MM": ".tif",
    b"GI": ".gif",
}
"""By the first two bytes, of images whose name tells none, as in an LMDB."""

_IMAGE_ENDINGS = IMAGE_SUFFIXES | {".gif", ".pbm", ".pgm", ".pnm", ".ppm"}


class ImageNames:
    """Gives out names, none of them twice."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}
        """Names to the number that the last one of them got."""

    def new(self, line_id: str, content: bytes) -> str:
        """The path below the output folder for the image of a line.

        Two of one name stand in different folders, so that the name still tells the page.

        Args:
            line_id: what the image was called.
            content: the encoded image, which tells the suffix where the name has none.
        """
        parts = [part for part in re.split(r"[/\\]", line_id) if part.strip(". ")]
        if len(parts) > 1 and (parts[0] == IMAGES or parts[0].endswith(":")):  # "C:"
            parts = parts[1:]
        *folders, stem = [safe_name(part) for part in parts] or ["line"]
        suffix = Path(stem).suffix
        if suffix.lower() in _IMAGE_ENDINGS:
            stem = stem.removesuffix(suffix)
        else:
            suffix = _suffix(content)
        # A folder that ends like an image could meet an image of that name.
        folders = [f"{part}_" if Path(part).suffix.lower() in _IMAGE_ENDINGS else part for part in folders]
        place = "/".join([*folders, f"{stem}{suffix}"])
        name = first = f"{IMAGES}/{place}"
        number = self._taken.get(name_key(first), 0)
        while name_key(name) in self._taken:
            number += 1
            name = f"{IMAGES}/also-{_letters(number)}/{place}"
        self._taken[name_key(first)] = max(number, 1)
        self._taken.setdefault(name_key(name), 1)
        return name


def _letters(number: int) -> str:
    """A number in letters, from 1 as "a": a folder with a digit would be taken for a page."""
    letters = ""
    while number:
        number, letter = divmod(number - 1, 26)
        letters = chr(ord("a") + letter) + letters
    return letters


def _suffix(content: bytes) -> str:
    if content[:1] == b"P" and content[1:2].isdigit():
        return ".ppm"
    return _SUFFIXES.get(content[:2], ".img")
