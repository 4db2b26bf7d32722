"""COCO-Text and COCO files whose annotations carry a text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ocrtune.data.formats.crops import Outline, OutlineError, Point, box
from ocrtune.data.formats.found import FoundLine, Parsed, Reading, unreadable
from ocrtune.data.formats.json_file import numbers_of, parse_json
from ocrtune.data.formats.paddle import ILLEGIBLE
from ocrtune.data.rejects import Reject, RejectReason
from ocrtune.errors import InputError

_TEXT_KEYS = ("utf8_string", "text", "transcription")

Json = dict[str, Any]


def is_coco(path: Path, head: str) -> bool:
    """Whether the file is a JSON object with images and annotations in COCO's or COCO-Text's words."""
    if path.suffix.lower() != ".json" or not head.lstrip().startswith("{"):
        return False
    return '"utf8_string"' in head or any(
        f'"{images}"' in head and '"file_name"' in head for images in ("imgs", "images")
    )


def parse_coco(path: Path, reading: Reading) -> Parsed:
    """The annotations with a text; those that are not legible are refused as such."""
    content = parse_json(reading.text(path), str(path))
    if not isinstance(content, dict):
        raise InputError(f"{path}: no COCO object; give --format")
    images = dict(_by_id(content.get("imgs", content.get("images"))))
    annotations = _by_id(content.get("anns", content.get("annotations")))
    # Page by page, whatever their order: a page is decoded once for all its lines that come together.
    for key, annotation in sorted(annotations, key=lambda pair: str(pair[1].get("image_id"))):
        source = f"{path} annotation {key}"
        page = images.get(str(annotation.get("image_id")), {}).get("file_name")
        text = next((annotation[name] for name in _TEXT_KEYS if name in annotation), None)
        if not isinstance(page, str):
            yield unreadable(source, f"there is no image {annotation.get('image_id')!r:.40}")
        elif annotation.get("legibility") == "illegible" or text in ILLEGIBLE:
            yield Reject(page, source, RejectReason.ILLEGIBLE, "marked illegible")
        elif not isinstance(text, str):
            yield Reject(page, source, RejectReason.NO_TEXT, f"none of {', '.join(_TEXT_KEYS)}")
        else:
            try:
                yield FoundLine(page, text, source, Outline(_points(annotation)))
            except OutlineError as error:
                yield unreadable(source, str(error), page)


def _by_id(records: object) -> Iterator[tuple[str, Json]]:
    """COCO-Text has an object by id, COCO a list of records with an id."""
    if isinstance(records, dict):
        records = [record | {"id": key} for key, record in records.items() if isinstance(record, dict)]
    for index, record in enumerate(records if isinstance(records, list) else []):
        if isinstance(record, dict):
            yield str(record.get("id", index)), record


def _points(annotation: Json) -> tuple[Point, ...]:
    """The first polygon, otherwise the box."""
    for name in ("mask", "polygon", "segmentation"):
        shape = annotation.get(name)
        if isinstance(shape, list) and shape and isinstance(shape[0], list):
            shape = shape[0]
        if isinstance(shape, list) and len(shape) >= 8:
            numbers = numbers_of(shape, len(shape) // 2 * 2)
            return tuple(zip(numbers[::2], numbers[1::2], strict=True))
    return box(*numbers_of(annotation.get("bbox"), 4))
