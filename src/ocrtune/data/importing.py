"""Writes labelled lines of any format as a dataset: a folder with `labels.txt`, or an LMDB."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import PIL.Image

from ocrtune.data.dataset import LABEL_FILE, LineDataset
from ocrtune.data.file_names import name_key, safe_name
from ocrtune.data.images import FORMATS
from ocrtune.data.lines import LabelledLines, LineEntry
from ocrtune.data.lmdb_reading import DATA_FILE, TEXT_LIMIT, close_environment
from ocrtune.data.lmdb_store import pack, usable_lines
from ocrtune.data.origins import SOURCES
from ocrtune.data.rejects import SKIPPED_FILE, Reject, RejectReason, summarise_rejects, write_skipped
from ocrtune.data.staging import staged_folder
from ocrtune.errors import InputError
from ocrtune.output import refuse_existing, write_text
from ocrtune.reading.files import IMAGE_SUFFIXES

IMAGES = "images"

_OWN_FILES = {LABEL_FILE, SKIPPED_FILE, IMAGES, DATA_FILE, "lock.mdb", SOURCES}

_SUFFIXES = {"JPEG": ".jpg", "TIFF": ".tif", "PPM": ".ppm"}
"""Of image formats whose file names do not end like the format is called."""

_IMAGE_ENDINGS = IMAGE_SUFFIXES | {".gif", ".pbm", ".pgm", ".pnm", ".ppm"}


@dataclass(frozen=True, slots=True)
class Imported:
    """What was written."""

    path: Path
    lines: int
    rejects: tuple[Reject, ...]
    """Lines left out; all of them are in `skipped.tsv`."""


def import_lines(
    lines: LabelledLines,
    out: Path,
    *,
    as_lmdb: bool = False,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Imported:
    """Write `lines` to the folder `out`; it appears when it is complete.

    Whole image files are copied byte for byte; each image is decoded once to see that it can be. What
    cannot be used is left out and listed in `skipped.tsv`.

    Args:
        lines: what the readers of formats found.
        out: the folder to make.
        as_lmdb: an LMDB instead of `images/` and `labels.txt`.
        overwrite: replace what an earlier import wrote there.
        progress: called with (lines done, lines in all).

    Raises:
        InputError: `out` exists, no line can be used, or the disk refuses.
    """
    require_free(out, overwrite=overwrite)
    storable, refused = _storable(lines, as_lmdb=as_lmdb)
    rejects = [*lines.rejects, *refused]
    if not storable.entries:
        raise InputError(f"no line can be imported: {summarise_rejects(rejects)}")
    with staged_folder(out) as staging:
        if as_lmdb:
            packed = pack([storable], staging, verify="full", overwrite=True, progress=progress)
            count, unusable = packed.lines, list(packed.rejects)
        else:
            count, unusable = _write_folder(storable, staging, progress)
        rejects += unusable
        if count == 0:
            raise InputError(f"no line can be imported: {summarise_rejects(rejects)}")
        if rejects:
            write_skipped(staging / SKIPPED_FILE, rejects)
        close_environment(out)
    return Imported(out, count, tuple(rejects))


def require_free(out: Path, *, overwrite: bool) -> None:
    """Stop before any work where `out` cannot be written.

    Raises:
        InputError: it exists without `overwrite`, or holds what no import wrote.
    """
    refuse_existing(out, overwrite=overwrite)
    if out.exists() and not (out.is_dir() and {file.name for file in out.iterdir()} <= _OWN_FILES):
        raise InputError(
            f"{out} holds more than labelled lines, so it is not overwritten; choose another name"
        )


def _storable(lines: LabelledLines, *, as_lmdb: bool) -> tuple[LineDataset, list[Reject]]:
    """The lines whose text the output can hold, and the others. `labels.txt` has one line for each."""
    kept, rejects = [], []
    for index, entry in enumerate(lines.entries):
        problem = _unstorable(entry.text, as_lmdb=as_lmdb)
        if problem:
            rejects.append(Reject(entry.id, entry.source, RejectReason.UNSTORABLE, problem))
        else:
            kept.append(index)
    dataset = LineDataset("the labels", lines.entries, lines.images, 1.0, (), lines.resolved)
    return dataset.select(kept), rejects


def _unstorable(text: str, *, as_lmdb: bool) -> str:
    """Why the output cannot hold `text`; empty where it can."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        return f"U+{ord(text[error.start]):04X} is half of a symbol"
    if size > TEXT_LIMIT:
        return f"{size} bytes, over {TEXT_LIMIT}"
    if not as_lmdb and any(symbol in text for symbol in "\t\n\r"):
        return f"a TAB or line break in {text[:80]!r}, which {LABEL_FILE} cannot hold; --lmdb can"
    return ""


def _write_folder(
    dataset: LineDataset, folder: Path, progress: Callable[[int, int], None] | None
) -> tuple[int, list[Reject]]:
    rejects: list[Reject] = []
    names = _Names()
    labels = []
    for line in usable_lines([dataset], "full", rejects, progress):
        name = names.new(line.entry, line.content)
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(line.content)
        labels.append(f"{name}\t{line.entry.text}\n")
    write_text(folder / LABEL_FILE, "".join(labels), overwrite=False)
    return len(labels), rejects


class _Names:
    """Names of image files: those the lines had, made safe for every system and unlike each other."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}
        """Names to the number that the last one of them got."""

    def new(self, entry: LineEntry, content: bytes) -> str:
        """The path below the output folder for an image with this content."""
        parts = [part for part in re.split(r"[/\\]", entry.id) if part.strip(". ")]
        if len(parts) > 1 and (parts[0] == IMAGES or parts[0].endswith(":")):  # "C:"
            parts = parts[1:]
        *folders, stem = [safe_name(part) for part in parts] or ["line"]
        suffix = Path(stem).suffix
        if suffix.lower() in _IMAGE_ENDINGS:
            stem = stem.removesuffix(suffix)
        else:
            suffix = _suffix(content)
        # A folder that ends like an image could meet an image of that name.
        folders = [f"{part}_" if Path(part).suffix.lower() in _IMAGE_ENDINGS else part for part in folders]
        stem = "/".join([IMAGES, *folders, stem])
        name = first = f"{stem}{suffix}"
        number = self._taken.get(name_key(first), 0)
        while name_key(name) in self._taken:
            number += 1
            name = f"{stem}-{number}{suffix}"
        self._taken[name_key(first)] = max(number, 1)
        self._taken.setdefault(name_key(name), 1)
        return name


def _suffix(content: bytes) -> str:
    with PIL.Image.open(io.BytesIO(content), formats=FORMATS) as image:  # it was decoded before
        name = image.format or "PNG"
    return _SUFFIXES.get(name, f".{name.lower()}")


def join_lines(parts: Sequence[LabelledLines]) -> LabelledLines:
    """Several readings as one, in their order."""
    return LabelledLines(
        entries=tuple(entry for part in parts for entry in part.entries),
        images=tuple(image for part in parts for image in part.images),
        rejects=tuple(reject for part in parts for reject in part.rejects),
        resolved="; ".join(part.resolved for part in parts),
    )
