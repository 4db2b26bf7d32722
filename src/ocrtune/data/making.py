"""Makes datasets from recipes: a folder with `labels.txt`, or an LMDB. What was interrupted goes on.

`made.json` beside the lines says which recipes gave which of them. It is written before the first line, and
marks the folder as one that may be continued, appended to or overwritten.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import lmdb
from pydantic import BaseModel, ConfigDict, ValidationError

from ocrtune.data.dataset import MADE_RECORD
from ocrtune.data.made_stores import FolderStore, LmdbStore
from ocrtune.errors import BarError, InputError
from ocrtune.output import write_text
from ocrtune.synth.drawing import EncodedLine, Extras, draw_encoded
from ocrtune.synth.looks.truth import Fault
from ocrtune.synth.recipe import Synthesis, SynthRecipe

MATCH = "match"
"""Folder beside the lines, for the profile that was fitted for them; whoever makes lines leaves it alone."""

RECORD_LIMIT = 16 * 2**20
"""Bytes of a record that is read at all."""

BATCH = 256
"""Lines stored at once: what an interruption loses at most, beside those being drawn."""

MAX_BAD = 0.02
"""Share of lines that cannot be drawn, above which the recipe does not fit its texts."""


class MadeRun(BaseModel):
    """Lines of one recipe in a dataset."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first: int
    """Index of its first line."""
    lines: int
    """Lines drawn or to be drawn; those left out are counted."""
    recipe: SynthRecipe
    is_done: bool
    masks: bool = False
    """With a mask of the ink beside each image."""
    boxes: bool = False
    """With the boxes of the characters beside each image."""

    @property
    def extras(self) -> Extras:
        """What is kept beside images and labels."""
        return Extras(self.masks, self.boxes)


class MadeRecord(BaseModel):
    """What a dataset was made from, as `made.json` keeps it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    runs: tuple[MadeRun, ...] = ()

    @classmethod
    def read(cls, folder: Path) -> MadeRecord:
        """The record of `folder`.

        Raises:
            InputError: damaged.
        """
        path = folder / MADE_RECORD
        try:
            if path.stat().st_size > RECORD_LIMIT:
                raise InputError(f"{path} is too large for a record; remove the folder")
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise InputError(f"cannot read {path}: {error}; remove the folder or choose another") from error

    def write(self, folder: Path) -> None:
        """Write the record into `folder`."""
        content = self.model_dump(mode="json")
        for run, model in zip(content["runs"], self.runs, strict=True):
            run["recipe"] = model.recipe.model_dump(mode="json", exclude_defaults=True)
        write_text(
            folder / MADE_RECORD, json.dumps(content, ensure_ascii=False, indent=1) + "\n", overwrite=True
        )


class LineStore(Protocol):
    """Where lines go."""

    def next_index(self, first: int) -> int:
        """The line to go on with in a run that began at line `first`."""
        ...

    def put(self, lines: Sequence[EncodedLine], next_index: int) -> None:
        """Store lines; the next to come is `next_index`."""
        ...

    def finish(self) -> int:
        """Make the lines count as a dataset; returns how many it has."""
        ...

    def close(self) -> None:
        """Let go of the files."""
        ...


@dataclass(frozen=True, slots=True)
class Made:
    """What was made."""

    path: Path
    lines: int
    """In the dataset, with those it had before."""
    resumed: int
    """Lines that an interrupted run had done before."""
    drawn: int
    """Now."""
    redrawn: Counter[Fault]
    """Looks that did not show their text, and were drawn milder; by reason."""
    left_out: tuple[str, ...]
    """Why lines could not be drawn."""


def make(
    recipe: SynthRecipe,
    synthesis: Synthesis,
    out: Path,
    *,
    as_lmdb: bool = False,
    extras: Extras | None = None,
    append: bool = False,
    overwrite: bool = False,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Made:
    """Make the lines of a recipe, or go on with them where `out` holds the beginning of the same run.

    Args:
        recipe: what is made, for the record.
        synthesis: the same, made ready.
        out: the folder; new or empty, unless one of the next two says otherwise.
        as_lmdb: write an LMDB instead of image files.
        extras: files to write beside the images; none if not given.
        append: add to the lines that are there.
        overwrite: replace lines that were made here before.
        workers: processes; by default one per core.
        progress: called with (lines done, lines in all).

    Raises:
        BarError: over `MAX_BAD` of the lines cannot be drawn.
        InputError: `out` holds something else, or the disk refuses.
    """
    kind: type[FolderStore] | type[LmdbStore] = LmdbStore if as_lmdb else FolderStore
    extras = extras or Extras()
    if as_lmdb and extras != Extras():
        raise InputError("an LMDB holds images and labels only: leave --lmdb out, or --masks and --boxes")
    wanted = MadeRun(
        first=0,
        lines=synthesis.lines,
        recipe=recipe,
        is_done=False,
        masks=extras.masks,
        boxes=extras.boxes,
    )
    try:
        run, record = _begin(wanted, out, kind, append=append, overwrite=overwrite)
        store: LineStore = kind(out)
        try:
            start, end = store.next_index(run.first), run.first + run.lines
            drawn = draw_encoded(synthesis.generator, range(start, end), workers, extras)
            tally = _Tally()
            for batch in _batches(tally.watch(drawn)):
                store.put([line for line in batch if line.error is None], batch[-1].index + 1)
                if progress is not None:
                    progress(batch[-1].index + 1 - run.first, run.lines)
            tally.require_few(last=True)
            lines = store.finish()
        finally:
            store.close()
        done = run.model_copy(update={"is_done": True})
        MadeRecord(runs=(*record.runs[:-1], done)).write(out)
    except (OSError, lmdb.Error) as error:
        raise InputError(f"cannot write {out}: {error}; free space and run the same command again") from error
    return Made(out, lines, start - run.first, tally.drawn, tally.redrawn, tuple(tally.errors))


def require_usable(out: Path, *, append: bool, overwrite: bool) -> None:
    """Refuse a folder that `make` would refuse, before anything is prepared in it.

    Raises:
        InputError: it holds something that was not made, or lines that were made without a match.
    """
    contents = _contents(out)
    if append or (out / MATCH).is_dir() or not (contents or out.is_file()):
        return
    if overwrite and MADE_RECORD in contents:
        _require_made(out, contents)
    elif MADE_RECORD in contents:
        raise InputError(f"{out} holds made lines already; add --append or --overwrite, or choose another")
    else:
        raise InputError(f"{out} is not an empty folder; choose another")


def _begin(
    wanted: MadeRun,
    out: Path,
    kind: type[FolderStore] | type[LmdbStore],
    *,
    append: bool,
    overwrite: bool,
) -> tuple[MadeRun, MadeRecord]:
    """The run to do or to go on with, and the record that has it last; `out` is ready for it.

    Args:
        wanted: the run, as if `out` were empty.
        out: the folder.
        kind: of store.
        append: as for `make`.
        overwrite: as for `make`.
    """
    if append and overwrite:
        raise InputError("--append and --overwrite exclude each other; give one")
    record = MadeRecord()
    contents = _contents(out)
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file; give a folder to make lines in")
    if MADE_RECORD in contents and overwrite:
        _remove(out, contents)
    elif MADE_RECORD in contents:
        record = MadeRecord.read(out)
        kind.require_own(out)
        last = record.runs[-1] if record.runs else None
        if last is not None and not last.is_done:
            if last.model_copy(update={"first": 0}) != wanted:
                raise InputError(
                    f"{out} holds an unfinished run of another recipe; finish that one with its options "
                    f"(see {out / MADE_RECORD}), or add --overwrite"
                )
            return last, record
        if not append:
            raise InputError(
                f"{out} holds made lines already; add --append or --overwrite, or choose another"
            )
    elif contents and append:
        kind.require_own(out)
    elif contents:
        raise InputError(
            f"{out} is not empty; choose another folder" + (", or --append" if not overwrite else "")
        )
    elif append:
        raise InputError(f"--append: there are no lines in {out} to append to; leave it out")
    first = record.runs[-1].first + record.runs[-1].lines if record.runs else 0
    run = wanted.model_copy(update={"first": first})
    record = MadeRecord(runs=(*record.runs, run))
    out.mkdir(parents=True, exist_ok=True)
    record.write(out)
    return run, record


def _contents(out: Path) -> set[str]:
    return {path.name for path in out.iterdir()} - {MATCH} if out.is_dir() else set()


def _require_made(out: Path, contents: set[str]) -> None:
    own = {MADE_RECORD, *FolderStore.FILES, *LmdbStore.FILES}
    if foreign := sorted(contents - own):
        raise InputError(
            f"{out} holds {foreign[0]}, which was not made here; move it or choose another folder"
        )


def _remove(out: Path, contents: set[str]) -> None:
    """Remove what was made in `out`, and only that."""
    _require_made(out, contents)
    for name in sorted(contents, key=lambda name: name == MADE_RECORD):  # the mark goes last
        path = out / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


class _Tally:
    """Counts what happened to the lines, and stops where too many cannot be drawn."""

    def __init__(self) -> None:
        self.drawn = 0
        self.redrawn: Counter[Fault] = Counter()
        self.errors: list[str] = []

    def watch(self, lines: Iterator[EncodedLine]) -> Iterator[EncodedLine]:
        for line in lines:
            if line.error is None:
                self.drawn += 1
                self.redrawn.update(line.faults)
            else:
                self.errors.append(line.error)
                self.require_few()
            yield line

    def require_few(self, *, last: bool = False) -> None:
        total = self.drawn + len(self.errors)
        if self.errors and (last or total >= BATCH) and len(self.errors) > MAX_BAD * total:
            raise BarError(
                f"{len(self.errors)} of {total} lines cannot be drawn; the first: {self.errors[0]}"
            )


def _batches(lines: Iterator[EncodedLine]) -> Iterator[list[EncodedLine]]:
    batch: list[EncodedLine] = []
    for line in lines:
        batch.append(line)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
