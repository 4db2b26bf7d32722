"""Image files to read and what was read on them: which files a user means, and the forms of the answer."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ocrtune.errors import InputError
from ocrtune.records import Prediction

IMAGE_SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"))
"""What counts as an image in a folder; a file that is named itself may end as it likes."""

PAGE_SUFFIXES = IMAGE_SUFFIXES | {".pdf"}
"""The same for whole pages."""

_ESCAPED = ("Cc", "Cs", "Zl", "Zp")


@dataclass(frozen=True, slots=True)
class FileReading:
    """One image file: what was read on it, or why it could not be read."""

    path: Path
    prediction: Prediction | None
    error: str | None = None


def find_images(paths: Iterable[Path], suffixes: Collection[str] = IMAGE_SUFFIXES) -> list[Path]:
    """Files as named, folders as their images sorted by name (not those of folders inside).

    Args:
        paths: files and folders.
        suffixes: how the names of images end, in small letters.

    Raises:
        InputError: nothing given, a path that does not exist, or a folder without images.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            found = sorted(file for file in path.iterdir() if file.suffix.lower() in suffixes)
            if not found:
                raise InputError(f"{path} holds no images ({', '.join(sorted(suffixes))})")
            files += found
        elif path.exists():
            files.append(path)
        else:
            raise InputError(f"there is no {path}; give an image or a folder of images")
    if not files:
        raise InputError("nothing to read: give an image or a folder of images")
    return files


def readings_json(readings: Sequence[FileReading]) -> str:
    """A JSON list, one object for each file; spans are in px of the image."""
    return json.dumps([_as_object(reading) for reading in readings], ensure_ascii=False, indent=1) + "\n"


def readings_csv(readings: Sequence[FileReading]) -> str:
    """CSV (RFC 4180) with a header; `error` is empty where the file was read."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(("path", "text", "confidence", "error"))
    for reading in readings:
        prediction = reading.prediction
        text, confidence = (
            ("", "") if prediction is None else (prediction.text, f"{prediction.confidence:.4f}")
        )
        writer.writerow((reading.path, text, confidence, reading.error or ""))
    return buffer.getvalue()


def printable(text: str) -> str:
    """`text` with control characters, line separators and lone surrogates escaped.

    File names, labels and charsets come from anywhere: printed raw, a line break would forge a line
    of output and an escape sequence would reach the terminal.
    """
    return "".join(
        char.encode("unicode_escape").decode("ascii") if unicodedata.category(char) in _ESCAPED else char
        for char in text
    )


def _as_object(reading: FileReading) -> dict[str, object]:
    if reading.prediction is None:
        return {"path": str(reading.path), "error": reading.error}
    return {
        "path": str(reading.path),
        "text": reading.prediction.text,
        "confidence": round(reading.prediction.confidence, 6),
        "characters": [
            {
                "symbol": span.symbol,
                "confidence": round(span.confidence, 6),
                "start": round(span.start, 2),
                "end": round(span.end, 2),
            }
            for span in reading.prediction.characters
        ],
    }
