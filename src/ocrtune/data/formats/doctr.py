"""docTR's `labels.json`: texts of line images by file name, or the words of pages with their boxes."""

from __future__ import annotations

import re
from pathlib import Path

from ocrtune.data.formats.crops import Outline, OutlineError, Point, box
from ocrtune.data.formats.found import FoundLine, Parsed, Reading, unreadable
from ocrtune.data.formats.json_file import numbers_of, parse_json, points_of
from ocrtune.data.rejects import Reject
from ocrtune.errors import InputError

_START = re.compile(
    r'\s*\{\s*"[^"\n]+\.(jpe?g|png|bmp|webp|tiff?)"\s*:\s*("|\{[^"]*"(typed_words|img_dimensions|polygons)")',
    re.IGNORECASE,
)


def is_labels(path: Path, head: str) -> bool:
    """Whether the file is a JSON object from images to texts or to docTR's records."""
    return path.suffix.lower() == ".json" and _START.match(head) is not None


def parse_labels(path: Path, reading: Reading) -> Parsed:
    """Lines by image name; the words of a page each with its box."""
    labels = parse_json(reading.text(path), str(path))
    if not isinstance(labels, dict):
        raise InputError(f"{path}: no JSON object of image names; give --format")
    for name, label in labels.items():
        source = f"{path} {name}"
        if isinstance(label, str):
            yield FoundLine(name, label, source)
        elif isinstance(label, dict) and isinstance(words := label.get("typed_words"), list):
            for number, word in enumerate(words, start=1):
                yield _word(name, word, f"{source} word {number}")
        elif isinstance(label, dict):
            yield unreadable(source, "boxes without texts: labels for detection, not for recognition", name)
        else:
            yield unreadable(source, "neither a text nor words", name)


def _word(page: str, word: object, source: str) -> FoundLine | Reject:
    if not isinstance(word, dict) or not isinstance(text := word.get("value"), str):
        return unreadable(source, "a word without a value", page)
    try:
        return FoundLine(page, text, source, Outline(_corners(word.get("geometry"))))
    except OutlineError as error:
        return unreadable(source, str(error), page)


def _corners(geometry: object) -> tuple[Point, ...]:
    if isinstance(geometry, list) and len(geometry) > 2 and isinstance(geometry[0], list):
        return points_of(geometry)
    left, top, right, bottom = numbers_of(geometry[:4] if isinstance(geometry, list) else geometry, 4)
    return box(left, top, right - left, bottom - top)
