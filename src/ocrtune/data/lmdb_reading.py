"""Reads LMDBs in the format of deep-text-recognition-benchmark, which most OCR training sets come in.

Keys `image-%09d` (an encoded image) and `label-%09d` (UTF-8), counted from 1, and `num-samples`.
Writing them is `lmdb_store.py`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lmdb

from ocrtune.data.images import FILE_LIMIT, ImageError
from ocrtune.data.lines import LabelledLines, LineEntry
from ocrtune.data.rejects import Reject, RejectReason
from ocrtune.errors import InputError

DATA_FILE = "data.mdb"
COUNT_KEY = b"num-samples"
FORMAT = "deep-text-recognition-benchmark"

TEXT_LIMIT = 2**16
"""Bytes of one label; a line of text has some hundred."""


def image_key(number: int) -> str:
    """Key of the encoded image of line `number`, counted from 1."""
    return f"image-{number:09d}"


def label_key(number: int) -> str:
    """Key of the text of line `number`, counted from 1."""
    return f"label-{number:09d}"


_lock = threading.Lock()
_environments: dict[Path, lmdb.Environment] = {}
"""Open LMDBs by folder. LMDB refuses to open one twice in a process, and two datasets may share it."""


def _environment(folder: Path) -> lmdb.Environment:
    with _lock:
        if folder not in _environments:
            _environments[folder] = _open(folder)
        return _environments[folder]


def close_environment(folder: Path) -> None:
    """Let go of the LMDB in `folder`; a later read opens it again."""
    with _lock:
        environment = _environments.pop(folder.resolve(), None)
        if environment is not None:
            environment.close()


def _forget_environments() -> None:
    """In a forked child: close its copies, so that it opens its own."""
    global _lock
    _lock = threading.Lock()  # another thread of the parent may have held it
    for environment in _environments.values():
        environment.close()
    _environments.clear()


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=_forget_environments)


def _open(folder: Path) -> lmdb.Environment:
    file = folder / DATA_FILE
    try:
        environment = lmdb.open(
            str(folder), readonly=True, lock=False, create=False, readahead=False, max_spare_txns=8
        )
    except lmdb.Error as error:
        raise InputError(f"{file} is not a readable LMDB: {error}; copy or make it again") from error
    # Pages beyond the end of a truncated file kill the process with SIGBUS.
    needed = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    if file.stat().st_size < needed:
        environment.close()
        raise InputError(f"{file} is cut off: {file.stat().st_size} of {needed} bytes; copy it again")
    return environment


@contextmanager
def _reading(folder: Path) -> Iterator[Any]:
    """A transaction whose values are views, so that an absurd size is seen before it is copied."""
    try:
        with _environment(folder).begin(buffers=True) as transaction:
            yield transaction
    except lmdb.Error as error:
        raise InputError(f"{folder / DATA_FILE} is damaged: {error}; copy or make it again") from error


@dataclass(frozen=True, slots=True)
class LmdbImage:
    """An encoded image in an LMDB. It holds no handle, so it can be sent to another process."""

    folder: Path
    """Resolved, so that one LMDB has one name."""
    key: str

    @property
    def where(self) -> str:
        """The data file and the key."""
        return f"{self.folder / DATA_FILE} {self.key}"

    @property
    def location(self) -> str:
        """The same: the folder is resolved."""
        return self.where

    def read(self) -> bytes:
        """The encoded bytes.

        Raises:
            ImageError: the key is missing, or its value is over `FILE_LIMIT`.
            InputError: the LMDB is damaged.
        """
        with _reading(self.folder) as transaction:
            value = transaction.get(self.key.encode())
            if value is None:
                raise ImageError(RejectReason.MISSING_IMAGE, self.where, "no such key")
            if len(value) > FILE_LIMIT:
                detail = f"{len(value) / 2**20:.0f} MiB, over {FILE_LIMIT >> 20}"
                raise ImageError(RejectReason.TOO_LARGE, self.where, detail)
            return bytes(value)


def find_lmdbs(folder: Path) -> list[Path]:
    """The folders at or below `folder` that hold a `data.mdb`, sorted."""
    return sorted(Path(parent) for parent, _, files in os.walk(folder) if DATA_FILE in files)


def read_lmdbs(root: Path, folders: Sequence[Path]) -> LabelledLines:
    """Read the labels of the LMDBs in `folders`, all at or below `root`; images stay where they are.

    The id of a line is its image key, after the folder's path below `root` where that is not empty.

    Raises:
        InputError: one is not an LMDB in this format, or cut off or damaged.
    """
    parts = [_read_labels(root, folder) for folder in folders]
    return LabelledLines(
        entries=tuple(entry for part in parts for entry in part.entries),
        images=tuple(image for part in parts for image in part.images),
        rejects=tuple(reject for part in parts for reject in part.rejects),
        resolved="; ".join(part.resolved for part in parts),
    )


def _read_labels(root: Path, folder: Path) -> LabelledLines:
    file = folder / DATA_FILE
    resolved_folder = folder.resolve()
    prefix = "" if folder == root else f"{folder.relative_to(root).as_posix()}/"
    entries: list[LineEntry] = []
    images: list[LmdbImage] = []
    rejects: list[Reject] = []
    with _reading(resolved_folder) as transaction:
        records = int(transaction.stat()["entries"])
        count = _count(transaction.get(COUNT_KEY), records, file)
        used = 1
        for number in range(1, count + 1):
            label = transaction.get(label_key(number).encode())
            key = image_key(number)
            used += (label is not None) + (transaction.get(key.encode()) is not None)
            source = f"{file} {key}"
            text, problem = _text(label, label_key(number))
            if text is None:
                rejects.append(Reject(prefix + key, source, RejectReason.NO_TEXT, problem))
            else:
                entries.append(LineEntry(prefix + key, text, source))
                images.append(LmdbImage(resolved_folder, key))
    resolved = f"{file}: {count} lines of an LMDB in {FORMAT}'s format"
    if records > used:
        resolved += f"; {records - used} further records are not counted by {COUNT_KEY.decode()} and not read"
    return LabelledLines(tuple(entries), tuple(images), tuple(rejects), resolved)


def _count(value: bytes | memoryview | None, records: int, file: Path) -> int:
    """The number of lines, checked against the number of records."""
    name = COUNT_KEY.decode()
    if value is None:
        raise InputError(
            f"{file} has no {name}: not {FORMAT}'s format, or its writing was cut short; make it again"
        )
    digits = bytes(value[:20])
    count = int(digits) if digits.isdigit() else 0
    if not 1 <= count <= records:
        shown = digits.decode("ascii", "backslashreplace")
        raise InputError(f"{file} {name}: {shown!r} cannot be right with {records} records; make it again")
    return count


def _text(label: memoryview | None, key: str) -> tuple[str | None, str]:
    """The text of a label record, or None and what is wrong with it."""
    if label is None:
        return None, f"no key {key}"
    if len(label) > TEXT_LIMIT:
        return None, f"{key} has {len(label)} bytes, over {TEXT_LIMIT}"
    try:
        text = bytes(label).decode("utf-8")
    except UnicodeDecodeError as error:
        return None, f"{key} is not UTF-8 (byte {error.start})"
    return (text, "") if text.strip() else (None, f"{key} is empty")
