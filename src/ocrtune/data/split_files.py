"""Writes a split: label files that point to the images where they are, or folders with copies of them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ocrtune.data.dataset import LABEL_FILE
from ocrtune.data.folder_writing import FolderWriter, label_row
from ocrtune.data.images import ImageError
from ocrtune.data.label_file import FileImage
from ocrtune.data.lines import EncodedImage
from ocrtune.data.rejects import SKIPPED_FILE, Reject, RejectReason, summarise_rejects, write_skipped
from ocrtune.data.split import Side
from ocrtune.data.split_plan import SplitPlan
from ocrtune.data.staging import staged_folder
from ocrtune.errors import InputError
from ocrtune.output import refuse_existing

RECORD = "split.json"
"""What was asked for and each group's side; also the mark of a folder that a later split may replace."""


_OWN = {RECORD, SKIPPED_FILE, *Side, *(f"{side}.txt" for side in Side)}

Progress = Callable[[int, int], None] | None


@dataclass(frozen=True, slots=True)
class WrittenSplit:
    """What `write_split` wrote."""

    labels: dict[Side, Path]
    lines: dict[Side, int]
    rejects: tuple[Reject, ...]
    """Lines left out: refused when read, in no label file to be written, or without an image to copy."""


def write_split(
    plan: SplitPlan, out: Path, *, copy: bool = False, overwrite: bool = False, progress: Progress = None
) -> WrittenSplit:
    """Write `train.txt`, `val.txt` and `test.txt` into the new folder `out`, in one step.

    Args:
        plan: what goes where.
        out: the folder to make.
        copy: make folders `train`, `val` and `test` with `labels.txt` and the images instead.
        overwrite: replace a folder that a split has made.
        progress: called with (lines done, lines in all).

    Raises:
        InputError: `out` exists, an image is no file and is not to be copied, or the disk refuses.
    """
    refuse_existing(out, overwrite=overwrite)
    _require_own(out, plan)
    if not copy:
        _require_files(plan)
    rejects = [reject for dataset in plan.datasets for reject in dataset.rejects]
    with staged_folder(out) as staging:
        writer = _Writer(staging, out, copy, rejects, len(plan.grouping.ids), progress)
        lines = {side: writer.write(plan, side) for side in plan.shares.sides}
        for side, count in lines.items():
            if count == 0:
                raise InputError(f"no line of {side} can be written: {summarise_rejects(rejects)}")
        if rejects:
            write_skipped(staging / SKIPPED_FILE, rejects)
        (staging / RECORD).write_text(json.dumps(_record(plan, lines), indent=1) + "\n", encoding="utf-8")
    labels = {side: out / (f"{side}/{LABEL_FILE}" if copy else f"{side}.txt") for side in plan.shares.sides}
    return WrittenSplit(labels, lines, tuple(rejects))


class _Writer:
    """Writes one side after the other into a folder that will stand at `out`."""

    def __init__(
        self, staging: Path, out: Path, copy: bool, rejects: list[Reject], total: int, progress: Progress
    ) -> None:
        self._staging = staging
        self._labels_folder = os.path.realpath(out)  # links followed: `..` behind one leads elsewhere
        self._copy = copy
        self._rejects = rejects
        self._total = total
        self._done = 0
        self._progress = progress

    def write(self, plan: SplitPlan, side: Side) -> int:
        """Write one side; returns how many lines it has."""
        if self._copy:
            with FolderWriter(self._staging / side) as writer:
                return self._write(plan, side, writer.copy)
        with (self._staging / f"{side}.txt").open("w", encoding="utf-8", newline="") as file:

            def point(_: str, text: str, image: EncodedImage) -> bool:
                row = label_row(self._pointer(image), text)
                if row is not None:
                    file.write(row)
                return row is not None

            return self._write(plan, side, point)

    def _write(self, plan: SplitPlan, side: Side, add: Callable[[str, str, EncodedImage], bool]) -> int:
        count = 0
        for dataset, index, name in plan.lines(side):
            self._done += 1
            if self._progress is not None:
                self._progress(self._done, self._total)
            entry, image = dataset.entries[index], dataset.images[index]
            try:
                written = add(name, entry.text, image)
            except ImageError as error:
                detail = f"{image.where}: {error.detail}"
                self._rejects.append(Reject(entry.id, entry.source, error.reason, detail))
                continue
            if not written:
                detail = f"{image.where!r} or its text has a break, a TAB, a backslash or no Unicode"
                self._rejects.append(Reject(entry.id, entry.source, RejectReason.UNSTORABLE, detail))
            count += written
        return count

    def _pointer(self, image: EncodedImage) -> str:
        """The way from the label file to an image file, under its own name even if that is a link."""
        assert isinstance(image, FileImage)  # `_require_files` holds this
        location = os.path.join(os.path.realpath(image.path.parent), image.path.name)  # noqa: PTH118
        try:
            place = os.path.relpath(location, self._labels_folder)
        except ValueError:  # on another drive of Windows
            place = location
        return place.replace(os.sep, "/")


def _require_own(out: Path, plan: SplitPlan) -> None:
    if not out.exists():
        return
    if not (out.is_dir() and (out / RECORD).is_file() and {file.name for file in out.iterdir()} <= _OWN):
        raise InputError(
            f"{out} is no folder that a split has made, so it is not overwritten; choose another name"
        )

    inside = f"{out.resolve()}{os.sep}"
    for dataset in plan.datasets:
        if any(image.location.startswith(inside) for image in dataset.images):
            raise InputError(
                f"{out} holds images of {dataset.name} and would be replaced; choose another name"
            )


def _require_files(plan: SplitPlan) -> None:
    for dataset in plan.datasets:
        for image in dataset.images:
            if not isinstance(image, FileImage):
                raise InputError(f"{image.where} is not a file that a label file can point to; add --copy")


def _record(plan: SplitPlan, lines: dict[Side, int]) -> dict[str, object]:
    return {
        "paths": [dataset.name for dataset in plan.datasets],
        "seed": plan.sides.seed,
        "val": plan.shares.val,
        "test": plan.shares.test,
        "group": plan.grouping.by,
        "lines": lines,
        "groups": {group: plan.sides.of(group) for group in sorted(plan.grouping.counts)},
    }
