"""Lines of PAGE XML and ALTO XML, cut out of their page along their polygon, otherwise by their box."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree.ElementTree import Element

from ocrtune.data.formats.crops import Outline, OutlineError, Point, box
from ocrtune.data.formats.found import FoundLine, Parsed, Reading, unreadable
from ocrtune.data.formats.xml_file import children, parse_xml, source_of
from ocrtune.data.rejects import Reject, RejectReason

_NUMBERS = re.compile(r"-?\d+(?:\.\d+)?")


def is_page_xml(path: Path, head: str) -> bool:
    """Whether the root element is PAGE's."""
    return path.suffix.lower() == ".xml" and re.search(r"<([\w-]+:)?PcGts\b", head) is not None


def is_alto(path: Path, head: str) -> bool:
    """Whether the root element is ALTO's."""
    return path.suffix.lower() == ".xml" and re.search(r"<([\w-]+:)?alto\b", head) is not None


def parse_page_xml(path: Path, reading: Reading) -> Parsed:
    """The text lines of every page that have a transcription."""
    for page in parse_xml(path).iter("Page"):
        image = _image(page.get("imageFilename", ""), path, reading)
        size = _size(page.get("imageWidth"), page.get("imageHeight"))
        for line in page.iter("TextLine"):
            source = source_of(path, line)
            coords = next(children(line, "Coords"), None)
            baseline = next(children(line, "Baseline"), None)
            try:
                outline = Outline(
                    _points("" if coords is None else _points_of_page(coords)),
                    () if baseline is None else _points(_points_of_page(baseline)),
                    size,
                    is_mask=True,
                )
            except OutlineError as error:
                yield unreadable(source, str(error), image)
            else:
                yield _found(image, _page_text(line), source, outline)


def parse_alto(path: Path, reading: Reading) -> Parsed:
    """The text lines of every page; strings are joined by the spaces that stand between them."""
    root = parse_xml(path)
    named = next((element.text or "" for element in root.iter("fileName")), "").strip()
    image = _image(named, path, reading)
    for page in root.iter("Page"):
        size = _size(page.get("WIDTH"), page.get("HEIGHT"))
        for line in page.iter("TextLine"):
            source = source_of(path, line)
            try:
                outline = _alto_outline(line, size)
            except OutlineError as error:
                yield unreadable(source, str(error), image)
            else:
                yield _found(image, _alto_text(line), source, outline)


def _found(image: str, text: str, source: str, outline: Outline) -> FoundLine | Reject:
    if not text.strip():
        return Reject(image, source, RejectReason.NO_TEXT, "the line is not transcribed")
    return FoundLine(image, text, source, outline)


def _image(named: str, path: Path, reading: Reading) -> str:
    """The image that the file names, or where that is not there, the one called like the file."""
    if named and reading.locate(named, path) is not None:
        return named
    stems = (path.stem, path.name.split(".")[0])
    beside = (reading.find_stem(stem, path) for stem in stems)
    return next((name for name in beside if name is not None), named or f"{path.stem}.jpg")


def _size(width: str | None, height: str | None) -> tuple[float, float] | None:
    try:
        size = float(width or 0), float(height or 0)
    except ValueError:
        return None
    return size if min(size) > 0 else None


def _points_of_page(element: Element) -> str:
    """The points of Coords or Baseline: an attribute, in files before 2013 elements."""
    if (attribute := element.get("points")) is not None:
        return attribute
    return " ".join(f"{point.get('x')},{point.get('y')}" for point in children(element, "Point"))


def _points(written: str) -> tuple[Point, ...]:
    """Pairs of numbers, however they are separated: `x,y x,y` and `x y x y` are both in use."""
    numbers = [float(number) for number in _NUMBERS.findall(written)]
    if len(numbers) % 2:
        raise OutlineError(f"{written[:60]!r} has a coordinate without its pair")
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def _page_text(line: Element) -> str:
    """The transcription of the whole line: of several readings the first by `index`."""
    readings = [(_index(reading), reading) for reading in children(line, "TextEquiv")]
    if not readings:
        return ""
    best = min(readings, key=lambda pair: pair[0])[1]
    return next((unicode.text or "" for unicode in children(best, "Unicode")), "")


def _index(reading: Element) -> int:
    index = reading.get("index", "0")
    return int(index) if index.isdecimal() and len(index) < 10 else 0


def _alto_outline(line: Element, size: tuple[float, float] | None) -> Outline:
    baseline = _points(line.get("BASELINE", "")) if "," in line.get("BASELINE", "") else ()
    for shape in children(line, "Shape"):
        for polygon in children(shape, "Polygon"):
            return Outline(_points(polygon.get("POINTS", "")), baseline, size, is_mask=True)
    values = [line.get(name, "") for name in ("HPOS", "VPOS", "WIDTH", "HEIGHT")]
    if not all(_NUMBERS.fullmatch(value) for value in values):
        raise OutlineError("neither a polygon nor a box")
    return Outline(box(*map(float, values)), (), size)


def _alto_text(line: Element) -> str:
    has_spaces = next(children(line, "SP"), None) is not None
    parts: list[str] = []
    for child in line:
        if child.tag in ("String", "HYP"):
            if child.tag == "String" and parts and not has_spaces:
                parts.append(" ")
            parts.append(child.get("CONTENT", ""))
        elif child.tag == "SP":
            parts.append(" ")
    return "".join(parts)
