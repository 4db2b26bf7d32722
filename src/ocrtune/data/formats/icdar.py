"""Box files of the ICDAR competitions: one text file per page, with corners and text separated by commas."""

from __future__ import annotations

import re
from pathlib import Path

from ocrtune.data.formats.crops import Outline, OutlineError, Point, box
from ocrtune.data.formats.found import FoundLine, Parsed, Reading, unreadable
from ocrtune.data.formats.paddle import ILLEGIBLE
from ocrtune.data.rejects import Reject, RejectReason

_NUMBER = r"\s*(-?\d+(?:\.\d+)?)\s*"
_QUAD = re.compile(",".join([_NUMBER] * 8) + ",(.*)", re.DOTALL)
_BOX = re.compile(",".join([_NUMBER] * 4) + r',\s*"(.*)"\s*', re.DOTALL)
_SCRIPT = re.compile(
    r"(Arabic|Bangla|Chinese|Hindi|Japanese|Korean|Latin|Mixed|None|Symbols),(.*)", re.DOTALL
)


def is_boxes(path: Path, head: str) -> bool:
    """Whether the first line begins with the coordinates of a box."""
    if path.suffix.lower() not in (".txt", ".csv"):
        return False
    first = head.lstrip().partition("\n")[0].rstrip("\r")
    return _QUAD.fullmatch(first) is not None or _BOX.fullmatch(first) is not None


def parse_boxes(path: Path, reading: Reading) -> Parsed:
    """The lines of a page; the script that the MLT sets name before each text is no part of it."""
    image = _image(path, reading)
    matched = [
        (f"{path}:{number}", line, _QUAD.fullmatch(line) or _BOX.fullmatch(line))
        for number, line in reading.numbered_lines(path)
    ]
    has_scripts = all(match is None or _SCRIPT.fullmatch(match.groups()[-1]) for _, _, match in matched)
    if has_scripts:
        reading.notes["the script before each text is no part of it"] += 1
    for source, line, match in matched:
        if match is None:
            yield unreadable(source, f"no corners and text in {line[:60]!r}", image)
            continue
        text = match.groups()[-1]
        if has_scripts and (named := _SCRIPT.fullmatch(text)):
            text = named[2]
        yield _line(image, text, _corners(match), source)


def _line(image: str, text: str, corners: tuple[Point, ...], source: str) -> FoundLine | Reject:
    if text in ILLEGIBLE:
        return Reject(image, source, RejectReason.ILLEGIBLE, f"marked {text}")
    try:
        return FoundLine(image, text, source, Outline(corners))
    except OutlineError as error:
        return unreadable(source, str(error), image)


def _corners(match: re.Match[str]) -> tuple[Point, ...]:
    numbers = [float(number) for number in match.groups()[:-1]]
    if len(numbers) == 4:
        left, top, right, bottom = numbers
        return box(left, top, right - left, bottom - top)
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def _image(path: Path, reading: Reading) -> str:
    """The page image: `gt_img_1.txt` is that of `img_1.jpg`, other files are called like theirs."""
    stems = (path.stem.removeprefix("gt_"), path.stem)
    found = (reading.find_stem(stem, path) for stem in stems)
    return next((name for name in found if name is not None), f"{stems[0]}.jpg")
