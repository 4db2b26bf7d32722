"""Label Studio's JSON export: tasks with an image, whose annotations hold regions and their texts."""

from __future__ import annotations

import math
import re
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ocrtune.data.formats.crops import Outline, OutlineError, Point
from ocrtune.data.formats.found import FoundLine, Parsed, Reading, unreadable
from ocrtune.data.formats.json_file import numbers_of, parse_json, points_of
from ocrtune.data.rejects import Reject, RejectReason
from ocrtune.errors import InputError
from ocrtune.reading.files import IMAGE_SUFFIXES

_UPLOAD_PREFIX = re.compile(r"[0-9a-f]{8}-")
"""Label Studio puts it before the name of an uploaded file."""

Json = dict[str, Any]


def is_export(path: Path, head: str) -> bool:
    """Whether the file is a JSON list of tasks."""
    return (
        path.suffix.lower() == ".json"
        and head.lstrip().startswith("[")
        and '"annotations"' in head
        and '"result"' in head
    )


def parse_export(path: Path, reading: Reading) -> Parsed:
    """The transcribed regions of every task; of several annotations the one marked as truth, or the first."""
    tasks = parse_json(reading.text(path), str(path))
    if not isinstance(tasks, list):
        raise InputError(f"{path}: no list of tasks; export as JSON, or give --format")
    for number, task in enumerate(tasks, start=1):
        task = _object(task)
        source = f"{path} task {task.get('id', number)}"
        image = _image(_object(task.get("data")), path, reading)
        annotations = [_object(one) for one in _list(task.get("annotations"))]
        annotations = [one for one in annotations if not one.get("was_cancelled")]
        if not image:
            yield unreadable(source, "no image in its data")
        elif not annotations:
            yield Reject(image, source, RejectReason.NO_TEXT, "the task is not annotated")
        else:
            truth = [one for one in annotations if one.get("ground_truth")]
            yield from _lines(image, (truth or annotations)[0], source)


def _lines(image: str, annotation: Json, source: str) -> Iterator[FoundLine | Reject]:
    """A region is several results of one id: its shape, its label, its transcription."""
    regions: dict[str, list[Json]] = {}
    for index, result in enumerate(_list(annotation.get("result"))):
        regions.setdefault(str(_object(result).get("id", index)), []).append(_object(result))
    for name, results in regions.items():
        where = f"{source} region {name}"
        texts = [text for result in results for text in _texts(_object(result.get("value")))]
        if not texts:
            yield Reject(image, where, RejectReason.NO_TEXT, "the region is not transcribed")
        elif len(set(texts)) > 1:
            yield unreadable(where, f"{len(texts)} texts for one region", image)
        else:
            try:
                yield FoundLine(image, texts[0], where, _outline(results))
            except OutlineError as error:
                yield unreadable(where, str(error), image)


def _texts(value: Json) -> list[str]:
    text = value.get("text")
    return [text] if isinstance(text, str) else [one for one in _list(text) if isinstance(one, str)]


def _outline(results: list[Json]) -> Outline | None:
    """The shape of a region, which is given in per cent of the image; None for a text of the whole image."""
    for result in results:
        value = _object(result.get("value"))
        if "points" in value:
            shape = points_of(value["points"])
        elif "width" in value:
            shape = ()
        else:
            continue
        size = numbers_of([result.get("original_width"), result.get("original_height")], 2)
        if shape:
            points = tuple((x * size[0] / 100, y * size[1] / 100) for x, y in shape)
        else:
            points = _turned_box(value, size)
        return Outline(points, (), (size[0], size[1]))
    return None


def _turned_box(value: Json, size: tuple[float, ...]) -> tuple[Point, ...]:
    """The corners of a box that is turned clockwise about its upper left corner."""
    left, top, width, height = numbers_of([value.get(key) for key in ("x", "y", "width", "height")], 4)
    (degrees,) = numbers_of([value.get("rotation", 0)], 1)
    if not math.isfinite(degrees):
        raise OutlineError("its rotation is no angle")
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    x0, y0, w, h = (n * size[i % 2] / 100 for i, n in enumerate((left, top, width, height)))
    return tuple(
        (x0 + x * cosine - y * sine, y0 + x * sine + y * cosine) for x, y in ((0, 0), (w, 0), (w, h), (0, h))
    )


def _image(data: Json, path: Path, reading: Reading) -> str:
    """The image of a task: the first value that names one, with or without its upload prefix."""
    for value in data.values():
        if not isinstance(value, str):
            continue
        try:
            url = urllib.parse.urlsplit(value)
        except ValueError:  # brackets that are no IPv6 address
            continue
        local = urllib.parse.parse_qs(url.query).get("d", [""])[0]  # /data/local-files/?d=folder/x.png
        name = local or urllib.parse.unquote(url.path)
        if Path(name).suffix.lower() in IMAGE_SUFFIXES:
            bare = name.rsplit("/", 1)[-1]
            plain = _UPLOAD_PREFIX.sub("", bare, count=1)
            name = name.lstrip("/")
            return plain if reading.locate(name, path) is None and reading.locate(plain, path) else name
    return ""


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
