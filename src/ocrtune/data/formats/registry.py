"""Recognises label formats by cheap evidence, the names and first bytes of files, and reads them."""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ocrtune.data.dataset import open_dataset
from ocrtune.data.formats import coco, doctr, icdar, label_studio, paddle, page_xml, pairs, plain, tables
from ocrtune.data.formats.found import Parsed, Reading, collect
from ocrtune.data.lines import LabelledLines
from ocrtune.data.lmdb_reading import DATA_FILE, find_lmdbs
from ocrtune.data.rejects import SKIPPED_FILE
from ocrtune.errors import InputError
from ocrtune.reading.files import IMAGE_SUFFIXES

HEAD = 64 * 2**10
"""Bytes of a label file by which its format is told."""

FILES_LIMIT = 2_000_000
"""Files below a folder that is looked through."""

_LABEL_SUFFIXES = frozenset((".txt", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".lst"))


@dataclass(frozen=True, slots=True)
class LabelFormat:
    """How one format is told and read."""

    name: str
    """As `--format` takes it."""
    title: str
    """As the user knows it."""
    looks_for: str
    """What tells it, for messages."""
    accepts: Callable[[Path, str], bool]
    """Whether a file of this name that begins like this is a label file in this format."""
    parse: Callable[[Path, Reading], Parsed]
    """The lines of one label file."""
    fits: Callable[[Sequence[Path]], bool] = lambda _: True
    """Whether the files of a folder that were accepted are labels, seen together."""


FORMATS = (
    LabelFormat(
        "ppocrlabel",
        "pages of PPOCRLabel",
        'lines of `page<TAB>[{"transcription", "points"}]`',
        paddle.is_pages,
        paddle.parse_pages,
    ),
    LabelFormat(
        "easyocr",
        "an EasyOCR table (filename, words)",
        "a .csv with columns filename and words",
        tables.is_easyocr,
        tables.parse_easyocr,
    ),
    LabelFormat(
        "doctr",
        "docTR labels",
        'a .json that begins with {"name.png": "text"}',
        doctr.is_labels,
        doctr.parse_labels,
    ),
    LabelFormat(
        "pairs",
        "pairs of image and .gt.txt",
        "x.gt.txt beside x.png",
        pairs.is_ground_truth,
        pairs.parse_ground_truth,
    ),
    LabelFormat(
        "page", "PAGE XML", "an .xml with PcGts as root", page_xml.is_page_xml, page_xml.parse_page_xml
    ),
    LabelFormat("alto", "ALTO XML", "an .xml with alto as root", page_xml.is_alto, page_xml.parse_alto),
    LabelFormat(
        "icdar",
        "box files of ICDAR",
        "lines of x1,y1,...,x4,y4,text",
        icdar.is_boxes,
        icdar.parse_boxes,
    ),
    LabelFormat(
        "label-studio",
        "a JSON export of Label Studio",
        "a .json list of tasks with annotations",
        label_studio.is_export,
        label_studio.parse_export,
    ),
    LabelFormat(
        "coco",
        "COCO-Text",
        "a .json with images and annotations",
        coco.is_coco,
        coco.parse_coco,
    ),
    LabelFormat(
        "labels",
        "a label file",
        "lines of `path<TAB>text`, `name.png text` or `path text`",
        plain.is_label_file,
        plain.parse_label_file,
    ),
    LabelFormat(
        "trdg",
        "texts in the names of images",
        "images called text_123.jpg",
        pairs.is_named_by_text,
        pairs.parse_named_by_text,
        pairs.are_texts,
    ),
)
"""In the order in which they are tried: what is told by more comes first."""

LMDB = "lmdb"
"""Name of the one format that is no label file."""


def format_names() -> tuple[str, ...]:
    """All that `--format` takes."""
    return (*(known.name for known in FORMATS), LMDB)


def open_labels(
    path: Path,
    format_name: str | None = None,
    encoding: str | None = None,
    images: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> LabelledLines:
    """Read labels in any format that is known.

    Args:
        path: a label file, a folder with label files at any depth, or a folder holding LMDBs.
        format_name: one of `format_names`; told by the files if not given.
        encoding: of the label files; found if not given.
        images: the only folder where images are looked for.
        progress: called with (label files done, label files in all).

    Raises:
        InputError: nothing there, nothing recognised, or it cannot be read.
    """
    if format_name is not None and format_name not in format_names():
        raise InputError(f"--format {format_name} is none of {', '.join(format_names())}")
    if images is not None and not images.is_dir():
        raise InputError(f"--images {images} is not a folder; give the one that holds the images")
    if not path.exists():
        raise InputError(f"there is no {path}; give a label file or a folder with labels")
    if path.name == DATA_FILE and path.is_file():
        path = path.parent
    if path.is_dir() and format_name in (None, LMDB) and find_lmdbs(path):
        dataset = open_dataset(str(path), images)
        return LabelledLines(dataset.entries, dataset.images, dataset.rejects, dataset.resolved)
    if format_name == LMDB:
        raise InputError(f"{path} holds no LMDB ({DATA_FILE}); leave --format out, or give another folder")
    chosen, files, others = _recognise(path, format_name)
    lines = collect(Reading(files, encoding, images), chosen.parse, chosen.title, progress)
    return LabelledLines(lines.entries, lines.images, lines.rejects, lines.resolved + others)


def _recognise(path: Path, format_name: str | None) -> tuple[LabelFormat, list[Path], str]:
    """The format, its label files, and a clause on what else is there."""
    formats = [known for known in FORMATS if format_name in (None, known.name)]
    if path.is_file():
        if format_name is not None:
            return formats[0], [path], ""
        head = read_head(path)
        if not head.strip() and path.suffix.lower() not in IMAGE_SUFFIXES:
            raise InputError(f"{path} is empty or cannot be read; give a label file or a folder with labels")
        for known in formats:
            if known.accepts(path, head):
                return known, [path], ""
        raise InputError(f"{path} is in no format known here; {_what_was_looked_for(formats)}")
    by_format = _label_files(path, formats)
    # Who names the format knows better than what the files look like together.
    found = [
        known
        for known in formats
        if by_format[known.name] and (format_name is not None or known.fits(by_format[known.name]))
    ]
    if not found:
        raise InputError(f"{path} holds no labels in a format known here; {_what_was_looked_for(formats)}")
    others = "".join(
        f"; not read: {by_format[known.name][0]} as {known.title} (--format {known.name})"
        for known in found[1:]
    )
    return found[0], by_format[found[0].name], others


def _label_files(folder: Path, formats: Sequence[LabelFormat]) -> dict[str, list[Path]]:
    """The label files below `folder` by the first format that accepts each."""
    by_format: dict[str, list[Path]] = {known.name: [] for known in formats}
    count = 0
    for parent, folders, names in os.walk(folder):
        folders.sort()
        count += len(names)
        if count > FILES_LIMIT:
            raise InputError(
                f"{folder} holds over {FILES_LIMIT:,} files; give a label file or a smaller folder"
            )
        for name in sorted(names):
            suffix = Path(name).suffix.lower()
            if suffix not in _LABEL_SUFFIXES | IMAGE_SUFFIXES or name == SKIPPED_FILE:
                continue
            file = Path(parent, name)
            head = read_head(file) if suffix in _LABEL_SUFFIXES else ""
            for known in formats:
                if known.accepts(file, head):
                    by_format[known.name].append(file)
                    break
    return by_format


def read_head(path: Path) -> str:
    """The beginning of a file as text, whatever it is; "" where it cannot be read.

    Its ASCII is right in every encoding of label files, which is what formats are told by.
    """
    try:
        with path.open("rb") as file:
            content = file.read(HEAD)
    except OSError:
        return ""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    if content[1:200:2].count(0) > len(content[1:200:2]) // 2:
        return content.decode("utf-16-le", "replace")
    return content.decode("utf-8", "replace").removeprefix("\ufeff")


def _what_was_looked_for(formats: Sequence[LabelFormat]) -> str:
    return f"looked for {', '.join(f'{known.looks_for} ({known.name})' for known in formats)}, or an LMDB"
