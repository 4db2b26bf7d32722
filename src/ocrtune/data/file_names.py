"""Names of files that are written: safe on every system, and unlike each other."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

_PART_LIMIT = 100
"""Bytes of a folder or file name that are kept: systems take 255, and a suffix is to come."""

_UNSAFE = re.compile(r'[<>:"|?*\\]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def name_key(name: str) -> str:
    """Equal for names that some file system takes for the same."""
    return unicodedata.normalize("NFC", name).casefold()


def safe_name(part: str) -> str:
    """`part` as a name that any file system takes, and that stands in a label file."""
    cleaned = "".join(
        "_" if unicodedata.category(symbol) in ("Cc", "Cs", "Zl", "Zp") else symbol
        for symbol in _UNSAFE.sub("_", part)
    ).strip(" ")
    cleaned = cleaned.rstrip(".")
    if _RESERVED.fullmatch(cleaned):
        cleaned = f"_{cleaned}"
    if len(cleaned.encode()) <= _PART_LIMIT:
        return cleaned
    suffix = Path(cleaned).suffix if len(Path(cleaned).suffix) <= 5 else ""
    return cleaned.removesuffix(suffix).encode()[:_PART_LIMIT].decode(errors="ignore").rstrip(". ") + suffix


class PageNames:
    """Names for pages of files: the file's own, numbered where two are alike, and the page's number."""

    def __init__(self) -> None:
        self._owners: dict[str, Path] = {}
        """Whose each name is, by what file systems compare."""

    def of(self, path: Path, number: int) -> str:
        """Such as `scan_p2`: always the same for a page, and that of no other."""
        stem = safe_name(path.stem) or "page"
        name, copies = stem, 1
        while self._owners.setdefault(name_key(name), path) != path:
            copies += 1
            name = f"{stem}-{copies}"
        return f"{name}_p{number}"
