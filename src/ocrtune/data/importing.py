"""Writes labelled lines of any format as a dataset: a folder with `labels.txt`, or an LMDB."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ocrtune.data.dataset import LABEL_FILE, LineDataset
from ocrtune.data.folder_writing import FolderWriter
from ocrtune.data.image_names import IMAGES
from ocrtune.data.lines import LabelledLines
from ocrtune.data.lmdb_reading import DATA_FILE, TEXT_LIMIT, close_environment
from ocrtune.data.lmdb_store import pack, usable_lines
from ocrtune.data.origins import SOURCES
from ocrtune.data.rejects import SKIPPED_FILE, Reject, RejectReason, summarise_rejects, write_skipped
from ocrtune.data.staging import staged_folder
from ocrtune.errors import InputError
from ocrtune.output import refuse_existing

_OWN_FILES = {LABEL_FILE, SKIPPED_FILE, IMAGES, DATA_FILE, "lock.mdb", SOURCES}


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
    with FolderWriter(folder) as writer:
        for line in usable_lines([dataset], "full", rejects, progress):
            written = writer.add(line.entry.id, line.entry.text, line.content)
            assert written, line.entry  # `_storable` left out what cannot be
    return writer.lines, rejects


def join_lines(parts: Sequence[LabelledLines]) -> LabelledLines:
    """Several readings as one, in their order."""
    return LabelledLines(
        entries=tuple(entry for part in parts for entry in part.entries),
        images=tuple(image for part in parts for image in part.images),
        rejects=tuple(reject for part in parts for reject in part.rejects),
        resolved="; ".join(part.resolved for part in parts),
    )
