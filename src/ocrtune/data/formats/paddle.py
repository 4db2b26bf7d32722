"""Page labels of PPOCRLabel and of PaddleOCR's detection sets: one page per line, its boxes as JSON."""

from __future__ import annotations

import re
from pathlib import Path

from ocrtune.data.formats.crops import Outline, OutlineError
from ocrtune.data.formats.found import FoundLine, Parsed, Reading, unreadable
from ocrtune.data.formats.json_file import parse_json, points_of
from ocrtune.data.rejects import Reject, RejectReason
from ocrtune.errors import InputError

ILLEGIBLE = frozenset(("###", "*"))
"""Texts that mark a line nobody could read; ICDAR's `###` and PaddleOCR's `*`."""

PLACEHOLDERS = frozenset(("TEMPORARY", "NULL", "待识别", "无法识别"))
"""PPOCRLabel's words for a new box and for one that its model could not read, in its two languages."""

_PAGE = re.compile(r'[^\t\n]+\t\s*\[\s*(\{[^\n]*"(transcription|points)"|\]\s*$)', re.MULTILINE)


def is_pages(path: Path, head: str) -> bool:
    """Whether a line of the beginning is a path, a TAB and a JSON list of boxes."""
    return path.suffix.lower() in (".txt", ".json", "") and _PAGE.match(head) is not None


def parse_pages(path: Path, reading: Reading) -> Parsed:
    """The boxes of every page; boxes marked as illegible are refused as such."""
    for number, line in reading.numbered_lines(path):
        source = f"{path}:{number}"
        page, _, boxes = line.partition("\t")
        try:
            listed = parse_json(boxes, source)
        except InputError as error:
            yield unreadable(source, str(error), page)
            continue
        if not isinstance(listed, list):
            yield unreadable(source, "no list of boxes after the TAB", page)
            continue
        for index, box in enumerate(listed, start=1):
            yield _line(page, box, f"{source} box {index}")


def _line(page: str, box: object, source: str) -> FoundLine | Reject:
    if not isinstance(box, dict) or not isinstance(text := box.get("transcription"), str):
        return unreadable(source, "a box without a transcription", page)
    if text in ILLEGIBLE:
        return Reject(page, source, RejectReason.ILLEGIBLE, f"marked {text}")
    if text in PLACEHOLDERS:
        return Reject(page, source, RejectReason.NO_TEXT, f"{text}, PPOCRLabel's word for a text to come")
    try:
        return FoundLine(page, text, source, Outline(points_of(box.get("points"))))
    except OutlineError as error:
        return unreadable(source, str(error), page)
