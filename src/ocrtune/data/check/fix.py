"""Writes a mended copy of labelled lines: what a rule decides is changed and logged, the rest is listed."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ocrtune.data.check.finding import Severity
from ocrtune.data.check.label_findings import LABEL_FINDINGS
from ocrtune.data.check.lookalikes import mend_letters
from ocrtune.data.check.measuring import pixel_digest
from ocrtune.data.dataset import LABEL_FILE, LineDataset
from ocrtune.data.folder_writing import FolderWriter
from ocrtune.data.images import ImageError, decode_image
from ocrtune.data.lines import LineEntry
from ocrtune.data.origins import names_of
from ocrtune.data.rejects import RejectReason, as_tsv
from ocrtune.data.staging import staged_folder
from ocrtune.errors import InputError
from ocrtune.output import refuse_existing, write_text
from ocrtune.synth.texts.labels import clean

CHANGES = "changes.tsv"
TO_DO = "to-do.tsv"
LEFT_OUT = "left out: duplicate"

_CHANGE_FIELDS = ("id", "source", "change", "before", "after")
_TO_DO_FIELDS = ("id", "source", "reason", "detail")


def _single_spaces(text: str) -> str:
    return re.sub(" {2,}", " ", text).strip(" ")


MENDS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("look-alike", mend_letters),
    ("mixed normal forms", lambda text: unicodedata.normalize("NFC", text)),
    ("edge or doubled space", _single_spaces),
    ("invisible or odd space", lambda text: _single_spaces(clean(text))),
)
"""Name of the finding and what mends it, in the order they are applied."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """What a fix wrote."""

    path: Path
    lines: int
    changes: Counter[str]
    """Name of the change to how many lines have it."""
    to_do: Counter[str]
    """Reason to the number of lines that were left out for a person to decide."""


@dataclass(slots=True)
class _Log:
    """Rows of the two lists, without their headings."""

    changes: list[tuple[str, ...]] = field(default_factory=list)
    to_do: list[tuple[str, ...]] = field(default_factory=list)

    def change(self, entry: LineEntry, change: str, before: str, after: str) -> None:
        self.changes.append((entry.id, entry.source, change, before, after))

    def leave(self, line_id: str, source: str, reason: str, detail: str) -> None:
        self.to_do.append((line_id, source, reason, detail))


def fix_dataset(
    dataset: LineDataset,
    out: Path,
    *,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Fixed:
    """Write the lines of `dataset`, mended, to the folder `out`, with a log of every change.

    Labels are mended by `MENDS`; of lines with the same pixels and the same mended label the first stays.
    Lines that stay unusable are left out and listed for a person. Encoded images are copied byte for byte.

    Args:
        dataset: to be mended; it is not touched.
        out: the folder to make, with images, `labels.txt`, `CHANGES` and `TO_DO`; it appears complete.
        overwrite: replace a folder that an earlier fix made.
        progress: called with (lines done, lines in all).

    Raises:
        InputError: `out` exists, no line is left, or the disk refuses.
    """
    refuse_existing(out, overwrite=overwrite)
    if out.exists() and not (out / CHANGES).is_file():
        raise InputError(f"{out} was not made by data fix, so it is not overwritten; choose another name")
    log = _Log()
    with staged_folder(out) as staging:
        lines = _write_lines(dataset, staging, log, progress)
        if not lines:
            raise InputError(f"no line of {dataset.name} is left: see ocrtune data check {dataset.name}")
        write_text(staging / CHANGES, as_tsv([_CHANGE_FIELDS, *log.changes]), overwrite=False)
        write_text(staging / TO_DO, as_tsv([_TO_DO_FIELDS, *log.to_do]), overwrite=False)
    return Fixed(out, lines, Counter(row[2] for row in log.changes), Counter(row[2] for row in log.to_do))


def mend_text(text: str) -> list[tuple[str, str]]:
    """Every change that `MENDS` makes of a label: its name and the label after it, in order."""
    steps = []
    for name, mend in MENDS:
        mended = mend(text)
        if mended != text:
            steps.append((name, mended))
            text = mended
    return steps


def _write_lines(
    dataset: LineDataset, folder: Path, log: _Log, progress: Callable[[int, int], None] | None
) -> int:
    first_with: dict[tuple[int, str], str] = {}
    with FolderWriter(folder) as writer:
        for index, (entry, name, image) in enumerate(
            zip(dataset.entries, names_of(dataset), dataset.images, strict=True)
        ):
            if progress is not None:
                progress(index, len(dataset))
            try:
                content = image.read()
                pixels = decode_image(content, image.where)
            except ImageError as error:
                log.leave(entry.id, entry.source, str(error.reason), f"{error.where}: {error.detail}")
                continue
            steps = mend_text(entry.text)
            text = steps[-1][1] if steps else entry.text
            if unusable := _unusable(text):
                log.leave(entry.id, entry.source, *unusable)
                continue
            before = entry.text
            for change, after in steps:
                log.change(entry, change, before, after)
                before = after
            first = first_with.setdefault((pixel_digest(pixels), text), entry.source)
            if first is not entry.source:
                log.change(entry, LEFT_OUT, text, f"as {first}")
            elif not writer.add(name, text, content):
                log.leave(entry.id, entry.source, str(RejectReason.UNSTORABLE), f"{text!r} in {LABEL_FILE}")
    for reject in dataset.rejects:
        log.leave(reject.id, reject.source, str(reject.reason), reject.detail)
    return writer.lines


def _unusable(text: str) -> tuple[str, str] | None:
    """Name and detail of what makes a mended label unusable still."""
    if not text:
        return str(RejectReason.NO_TEXT), "nothing that can be seen"
    for finding in LABEL_FINDINGS:
        if finding.severity is Severity.UNUSABLE and (detail := finding.check(text)) is not None:
            return finding.name, detail
    return None
