"""Lines that people corrected, each with its picture, in one SQLite file.

The service writes it, reviewers change it, `data import` and `retrain` read it. Pictures lie inside, so that
a record and its picture go in one transaction.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from ocrtune.errors import InputError
from ocrtune.records import Quadrilateral

TEXT_LIMIT = 500
"""Symbols of a text; the longest printed lines have some 200."""

VERSION = 1
_APPLICATION = 0x6F637274  # "ocrt", in the header of the file
_BUSY_SECONDS = 5.0  # that another process may hold the file

_SCHEMA = """
CREATE TABLE corrections (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given out twice
    source TEXT NOT NULL,
    page INTEGER NOT NULL,
    box TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    reading TEXT NOT NULL,
    confidence REAL NOT NULL,
    digest TEXT NOT NULL,
    text TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'accepted', 'rejected')),
    who TEXT,
    made_at TEXT NOT NULL,
    reviewer TEXT,
    reviewed_at TEXT,
    bytes INTEGER NOT NULL,
    image BLOB NOT NULL,
    UNIQUE (source, page, box)
);
CREATE INDEX by_certainty ON corrections (state, confidence, id);
CREATE INDEX by_size ON corrections (bytes);
"""

_COLUMNS = (
    "id, source, page, box, width, height, reading, confidence, digest, text, state, who, made_at, "
    "reviewer, reviewed_at"
)


class State(StrEnum):
    """How far a correction is."""

    WAITING = "waiting"
    """Nobody has looked at it again."""
    ACCEPTED = "accepted"
    """It may be trained on."""
    REJECTED = "rejected"
    """It is kept, and never trained on."""


class Order(StrEnum):
    """In which order corrections are listed."""

    LEAST_CERTAIN = "least-certain"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True)
class NewCorrection:
    """A line as it is handed in."""

    source: str
    """SHA-256 of the file that was read, hexadecimal: it tells which lines are of one
    page. No name is kept."""
    page: int
    """Of the file, from 0."""
    box: Quadrilateral
    """Where the line stands, px of the page."""
    width: int
    height: int
    """Of the picture, px."""
    image: bytes
    """The line as a recogniser is given it; PNG."""
    reading: str
    confidence: float
    """Of the reading, 0..1."""
    digest: str
    """Of the model that read."""
    text: str
    """As `checked_text` gives it."""
    who: str | None
    """The token's name; None where nobody needs one."""


@dataclass(frozen=True, slots=True)
class Correction:
    """A stored line, without its picture."""

    id: int
    source: str
    page: int
    box: Quadrilateral
    width: int
    height: int
    reading: str
    confidence: float
    digest: str
    text: str
    state: State
    who: str | None
    made_at: str
    """UTC, ISO 8601."""
    reviewer: str | None
    reviewed_at: str | None


class StoreFullError(InputError):
    """A limit of the file is reached; nothing of what was handed in is stored."""

    def __init__(self, limit: int, got: int, unit: str) -> None:
        self.limit, self.got, self.unit = limit, got, unit
        super().__init__(f"{got:,} {unit} would be stored, over the limit of {limit:,}")


def checked_text(text: str) -> str:
    """A text as it is stored: NFC, without white space at its ends.

    Raises:
        InputError: empty, too long, or with a control character or half of a symbol.
    """
    text = unicodedata.normalize("NFC", text.strip())
    if not text:
        raise InputError("the text is empty; delete the correction where there is nothing to read")
    if len(text) > TEXT_LIMIT:
        raise InputError(f"the text has {len(text)} symbols; at most {TEXT_LIMIT} are stored")
    for symbol in text:
        if unicodedata.category(symbol) in ("Cc", "Cs", "Zl", "Zp"):
            raise InputError(f"U+{ord(symbol):04X} cannot be part of a line's text; remove it")
    return text


class CorrectionStore:
    """The file, opened to write; it is made if it is not there. Safe to use from any thread.

    Args:
        path: the file.
        max_records: corrections at most.
        max_bytes: bytes of pictures at most.

    Raises:
        InputError: it cannot be opened, or is no file of corrections.
    """

    def __init__(self, path: Path, max_records: int, max_bytes: int) -> None:
        self._max_records, self._max_bytes = max_records, max_bytes
        self._lock = threading.Lock()
        try:
            # Its pictures may be private: only the user who serves may read it, and what SQLite puts beside.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._db = sqlite3.connect(
                path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            try:
                self._prepare(path)
            except BaseException:
                self._db.close()
                raise
        except (OSError, sqlite3.Error) as error:
            raise InputError(f"cannot use {path} for corrections: {error}; name another file") from error

    def add(self, corrections: Sequence[NewCorrection]) -> list[Correction]:
        """Store lines, all or none.

        A line at the same place of the same file as an earlier one takes its place and waits for review; with
        the same text it changes nothing.

        Raises:
            StoreFullError: there is no room.
            sqlite3.Error: the disk refuses.
        """
        now = _now()
        with self._lock, self._transaction():
            ids = [self._add_one(new, now) for new in corrections]
            self._require_room()
            return [self._get(each) for each in ids]

    def listed(
        self, order: Order, state: State | None, limit: int, after: tuple[float, int] | None = None
    ) -> list[Correction]:
        """Some corrections, without their pictures.

        Args:
            order: which come first.
            state: only those; None is all.
            limit: how many at most.
            after: confidence and id of the last one that is known, to go on from.
        """
        confidence, last = (-1.0, 0) if after is None else after
        if order is Order.NEWEST:
            last = last or 2**63 - 1
            condition, by = "id < :last", "id DESC"
        else:
            condition, by = "(confidence, id) > (:confidence, :last)", "confidence, id"
        # Both parts are chosen above and are never a client's.
        query = (
            f"SELECT {_COLUMNS} FROM corrections WHERE (:state IS NULL OR state = :state) "
            f"AND {condition} ORDER BY {by} LIMIT :limit"
        )
        values = {"state": state, "confidence": confidence, "last": last, "limit": limit}
        with self._lock:
            return [_correction(row) for row in self._db.execute(query, values)]

    def counts(self) -> dict[State, int]:
        """How many there are of each state."""
        with self._lock:
            rows = self._db.execute("SELECT state, COUNT(*) FROM corrections GROUP BY state")
            found = {State(state): int(count) for state, count in rows}
        return {state: found.get(state, 0) for state in State}

    def get(self, number: int) -> Correction | None:
        """The correction of this id."""
        with self._lock:
            return self._find(number)

    def image(self, number: int) -> bytes | None:
        """The picture of a correction; PNG."""
        with self._lock:
            row = self._db.execute("SELECT image FROM corrections WHERE id = ?", (number,)).fetchone()
        return None if row is None else bytes(row[0])

    def review(
        self, number: int, state: State | None, text: str | None, reviewer: str | None
    ) -> Correction | None:
        """Change state or text, or both; what is None stays.

        Args:
            number: the correction's id.
            state: what it is now.
            text: as `checked_text` gives it.
            reviewer: who says so.

        Returns:
            The correction as it is now; None where there is none of this id.
        """
        with self._lock, self._transaction():
            self._db.execute(
                "UPDATE corrections SET state = COALESCE(?, state), text = COALESCE(?, text), "
                "reviewer = ?, reviewed_at = ? WHERE id = ?",
                (state, text, reviewer, _now(), number),
            )
            return self._find(number)

    def delete(self, number: int) -> bool:
        """Delete a correction and its picture, also from the free pages and the log of the file.

        Returns:
            Whether it was there.
        """
        with self._lock:
            with self._transaction():
                gone = self._db.execute("DELETE FROM corrections WHERE id = ?", (number,)).rowcount > 0
            # `secure_delete` has overwritten it in the file; earlier writes may stand in the log still.
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return gone

    def close(self) -> None:
        """Write everything into the file itself."""
        with self._lock:
            self._db.close()

    def _prepare(self, path: Path) -> None:
        with self._transaction():
            if self._db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0] == 0:
                self._db.execute(f"PRAGMA application_id = {_APPLICATION}")
                self._db.execute(f"PRAGMA user_version = {VERSION}")
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    self._db.execute(statement)
            _require_ours(self._db, path)  # before anything of another program's file is changed
        self._db.execute("PRAGMA journal_mode = WAL").fetchall()  # readers do not wait for the writer
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA secure_delete = ON").fetchall()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _add_one(self, new: NewCorrection, now: str) -> int:
        box = json.dumps([[round(x, 1), round(y, 1)] for x, y in new.box])
        place = (new.source, new.page, box)
        row = self._db.execute(
            "SELECT id, text FROM corrections WHERE source = ? AND page = ? AND box = ?", place
        ).fetchone()
        if row is not None and row[1] == new.text:
            return int(row[0])
        read = (new.reading, round(new.confidence, 6), new.digest, new.text)
        if row is not None:
            self._db.execute(
                "UPDATE corrections SET reading = ?, confidence = ?, digest = ?, text = ?, state = ?, "
                "who = ?, made_at = ?, reviewer = NULL, reviewed_at = NULL WHERE id = ?",
                (*read, State.WAITING, new.who, now, row[0]),
            )
            return int(row[0])
        cursor = self._db.execute(
            "INSERT INTO corrections (source, page, box, width, height, reading, confidence, digest, text, "
            "state, who, made_at, bytes, image) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *place, new.width, new.height, *read, State.WAITING, new.who, now,
                len(new.image), new.image,
            ),
        )  # fmt: skip
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def _require_room(self) -> None:
        records, size = self._db.execute(
            "SELECT COUNT(*), COALESCE(SUM(bytes), 0) FROM corrections"
        ).fetchone()
        if records > self._max_records:
            raise StoreFullError(self._max_records, records, "corrections")
        if size > self._max_bytes:
            raise StoreFullError(self._max_bytes, size, "bytes")

    def _find(self, number: int) -> Correction | None:
        row = self._db.execute(f"SELECT {_COLUMNS} FROM corrections WHERE id = ?", (number,)).fetchone()
        return None if row is None else _correction(row)

    def _get(self, number: int) -> Correction:
        found = self._find(number)
        assert found is not None
        return found


def read_corrections(path: Path) -> list[tuple[Correction, bytes]]:
    """All corrections of a file with their pictures, in the order in which they came; nothing is written.

    Raises:
        InputError: there is no such file, or it is none of corrections.
    """
    if not path.is_file():
        raise InputError(f"there is no {path}; give the file that `ocrtune serve --collect` writes")
    try:
        with contextlib.closing(
            sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS)
        ) as db:
            _require_ours(db, path)
            rows = db.execute(f"SELECT {_COLUMNS}, image FROM corrections ORDER BY id").fetchall()
    except sqlite3.Error as error:
        raise InputError(
            f"cannot read {path}: {error}; give the file that `ocrtune serve --collect` writes"
        ) from error
    return [(_correction(row[:-1]), bytes(row[-1])) for row in rows]


def _require_ours(db: sqlite3.Connection, path: Path) -> None:
    application = db.execute("PRAGMA application_id").fetchone()[0]
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if application != _APPLICATION:
        raise InputError(f"{path} is another program's database, not one of corrections; name another file")
    if version != VERSION:
        raise InputError(
            f"{path} has corrections of form {version}, and this ocrtune knows {VERSION}; "
            "use the ocrtune that wrote it"
        )


def _correction(row: Sequence[object]) -> Correction:
    values = dict(zip(_COLUMNS.split(", "), row, strict=True))
    box = tuple(tuple(point) for point in json.loads(str(values["box"])))
    return Correction(**(values | {"box": box, "state": State(str(values["state"]))}))  # type: ignore[arg-type]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
