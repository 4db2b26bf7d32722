"""Where made lines go, a batch at a time: a folder of images, or an LMDB. Each can be gone on with."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import lmdb

from ocrtune.data.dataset import LABEL_FILE
from ocrtune.data.lmdb_reading import COUNT_KEY, DATA_FILE, close_environment, image_key, label_key
from ocrtune.data.lmdb_store import FIRST_MAP_SIZE, put_records
from ocrtune.errors import InputError
from ocrtune.output import write_bytes
from ocrtune.synth.drawing import EncodedLine

PART = f"{LABEL_FILE}.part"
"""Labels of a run that is not finished; they become `labels.txt` at its end."""

IMAGES = "images"
MASKS = "masks"
BOXES = "boxes"

LINES_PER_FOLDER = 1000
"""Image files of one folder: file browsers and some file systems are slow beyond a few thousand."""

NEXT_KEY = b"ocrtune-next"
"""In an unfinished LMDB: lines stored, and the next to come. Readers of the format do not see it."""


class FolderStore:
    """`images/000/000123.png`, and `labels.txt` with one path, TAB and text per line.

    Masks and boxes, where lines come with them, are `masks/000/000123.png` and `boxes/000/000123.json`.
    """

    FILES: ClassVar[frozenset[str]] = frozenset({LABEL_FILE, PART, IMAGES, MASKS, BOXES})

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._part = folder / PART
        self._last = self._cut_torn_line()
        self._labels = self._part.open("ab")

    @classmethod
    def require_own(cls, folder: Path) -> None:
        """Refuse a folder that holds lines in another form."""
        labels = folder / LABEL_FILE
        if not labels.is_file():
            if (folder / DATA_FILE).exists():
                raise InputError(f"{folder} holds an LMDB; add --lmdb, or choose another folder")
            return
        with labels.open("rb") as file:
            if b"\t" not in file.readline():
                raise InputError(
                    f"{labels} has no `path<TAB>text`, so nothing is appended; choose another folder"
                )

    def next_index(self, first: int) -> int:
        """After the last line whose label is there."""
        if not self._last:
            return first
        return int(Path(self._last.split("\t")[0]).stem) + 1

    def put(self, lines: Sequence[EncodedLine], next_index: int) -> None:
        """Write the images, then their labels: a label never lacks its image."""
        labels = []
        for line in lines:
            place = f"{line.index // LINES_PER_FOLDER:03d}/{line.index:06d}"
            if line.mask:
                self._write(f"{MASKS}/{place}.png", line.mask)
            if line.boxes:
                self._write(f"{BOXES}/{place}.json", line.boxes)
            name = f"{IMAGES}/{place}.png"
            self._write(name, line.content)
            labels.append(f"{name}\t{line.text}\n")
        self._labels.write("".join(labels).encode())
        self._labels.flush()

    def _write(self, name: str, content: bytes) -> None:
        path = f"{self._folder}/{name}"  # making a `Path` takes a fifth of the time of writing
        try:
            _write_file(path, content)
        except FileNotFoundError:
            Path(path).parent.mkdir(parents=True)
            _write_file(path, content)

    def finish(self) -> int:
        """Put the new labels behind those that were there, in one step."""
        os.fsync(self._labels.fileno())
        self._labels.close()
        target = self._folder / LABEL_FILE
        if target.exists():
            old, new = target.read_bytes(), self._part.read_bytes()
            if not old.endswith(new):  # else they were put there, and then the run was interrupted
                separator = b"" if old.endswith(b"\n") else b"\n"
                write_bytes(target, old + separator + new, overwrite=True)
            self._part.unlink()
        else:
            self._part.replace(target)
        with target.open("rb") as file:
            return sum(1 for _ in file)

    def close(self) -> None:
        """Close the labels."""
        self._labels.close()

    def _cut_torn_line(self) -> str:
        """Cut what an interruption left of a line; returns the last whole one."""
        if not self._part.exists():
            return ""
        with self._part.open("r+b") as file:
            content = file.read()
            end = content.rfind(b"\n") + 1
            file.truncate(end)
        return content[:end].rstrip(b"\n").rpartition(b"\n")[2].decode()


def _write_file(path: str, content: bytes) -> None:
    with open(path, "wb") as file:  # noqa: PTH123 - see where it is called
        file.write(content)


class LmdbStore:
    """An LMDB in the format of deep-text-recognition-benchmark."""

    FILES: ClassVar[frozenset[str]] = frozenset({DATA_FILE, "lock.mdb"})

    def __init__(self, folder: Path) -> None:
        close_environment(folder)
        # Each batch is one transaction; without `sync` a power cut may cost the last ones, never their order.
        self._environment = lmdb.open(str(folder), map_size=FIRST_MAP_SIZE, metasync=False)
        with self._environment.begin() as transaction:
            counted = transaction.get(COUNT_KEY)
            state = transaction.get(NEXT_KEY)
        self._next: int | None = None
        self._count = int(counted) if counted else 0
        if state:
            self._count, self._next = map(int, state.split())

    @classmethod
    def require_own(cls, folder: Path) -> None:
        """Refuse a folder that holds lines in another form."""
        if any((folder / name).exists() for name in FolderStore.FILES):
            raise InputError(f"{folder} holds image files; leave --lmdb out, or choose another folder")

    def next_index(self, first: int) -> int:
        """After the last line that was stored."""
        return first if self._next is None else self._next

    def put(self, lines: Sequence[EncodedLine], next_index: int) -> None:
        """Store lines and the new state in one transaction."""
        records = []
        for number, line in enumerate(lines, self._count + 1):
            records.append((image_key(number).encode(), line.content))
            records.append((label_key(number).encode(), line.text.encode()))
        self._count += len(lines)
        records.append((NEXT_KEY, b"%d %d" % (self._count, next_index)))
        put_records(self._environment, records)

    def finish(self) -> int:
        """Count the lines, which makes it a dataset."""
        put_records(self._environment, [(COUNT_KEY, str(self._count).encode())], forget=NEXT_KEY)
        self._environment.sync(True)
        return self._count

    def close(self) -> None:
        """Close the environment."""
        self._environment.close()
