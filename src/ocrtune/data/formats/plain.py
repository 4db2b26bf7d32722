"""Label files with one image path and its text per line, in any encoding; also what PaddleOCR trains on."""

from __future__ import annotations

import json
from pathlib import Path

from ocrtune.data.formats.found import FoundLine, Parsed, Reading, unreadable
from ocrtune.data.label_file import LabelForm, detect_form, split_line
from ocrtune.data.rejects import Reject, RejectReason
from ocrtune.reading.files import IMAGE_SUFFIXES

_SUFFIXES = frozenset((".txt", ".tsv", ".lst", ".csv", ""))


def is_label_file(path: Path, head: str) -> bool:
    """Whether most of the first lines begin with the path of an image and have a text behind it."""
    if path.suffix.lower() not in _SUFFIXES:
        return False
    lines = [line for line in head.split("\n") if line.strip()]
    if not lines:
        return False
    form = detect_form(lines)
    paths = [split_line(line, form)[0] for line in lines]
    return 2 * sum(_is_image_path(found) for found in paths) > len(paths)


def parse_label_file(path: Path, reading: Reading) -> Parsed:
    """One line of text for each line of the file; several images of one text may stand in a JSON list."""
    numbered = reading.numbered_lines(path)
    form = detect_form([line for _, line in numbered])
    for number, line in numbered:
        source = f"{path}:{number}"
        image, text = split_line(line, form)
        if not text.strip():
            yield Reject(image, source, RejectReason.NO_TEXT, f"as `{form}` the text is empty")
        elif not image.strip():
            yield Reject(image, source, RejectReason.MISSING_IMAGE, "no path before the text")
        elif form is LabelForm.TAB and image.startswith("["):
            yield from _several(image, text, source)
        else:
            yield FoundLine(image, text, source)


def _is_image_path(found: str) -> bool:
    return Path(found.rstrip('"]')).suffix.lower() in IMAGE_SUFFIXES


def _several(listed: str, text: str, source: str) -> Parsed:
    """A JSON list of images that show the same text, of which PaddleOCR draws one each time."""
    try:
        names = json.loads(listed)
    except (ValueError, RecursionError):
        names = [listed]  # a name that begins with a bracket
    if not names or not all(isinstance(name, str) for name in names):
        yield unreadable(source, f"{listed[:80]!r} is no list of image paths")
        return
    for name in names:
        yield FoundLine(name, text, source)
