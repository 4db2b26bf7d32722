"""The file of corrections: what is kept, in which order it comes out, and that what is deleted is gone."""

from __future__ import annotations

import sqlite3
import stat
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ocrtune.data.corrections import (
    CorrectionStore,
    NewCorrection,
    Order,
    State,
    StoreFullError,
    checked_text,
    read_corrections,
)
from ocrtune.errors import InputError

BOX = ((10.0, 20.0), (110.0, 20.0), (110.0, 40.04), (10.0, 40.0))


def line(text: str, confidence: float = 0.5, page: int = 0, x: float = 0.0) -> NewCorrection:
    box = tuple((10.0 + x + dx, y) for dx, y in ((0, 20.0), (100, 20.0), (100, 40.0), (0, 40.0)))
    return NewCorrection(
        source="a" * 64, page=page, box=box, width=100, height=20, image=b"PNG of " + text.encode(),
        reading="TOTA1", confidence=confidence, digest="d" * 64, text=text, who="anna",
    )  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "corrections.db"


@pytest.fixture
def store(path: Path) -> Iterator[CorrectionStore]:
    opened = CorrectionStore(path, 5, 1000)
    yield opened
    opened.close()


def test_what_is_stored_comes_back(store: CorrectionStore, path: Path) -> None:
    (stored,) = store.add([replace(line("TOTAL", 0.123456789), box=BOX)])
    assert (stored.id, stored.state, stored.confidence, stored.who) == (1, State.WAITING, 0.123457, "anna")
    assert stored.box == ((10.0, 20.0), (110.0, 20.0), (110.0, 40.0), (10.0, 40.0))
    assert store.get(1) == stored
    assert store.image(1) == b"PNG of TOTAL"
    assert (store.get(2), store.image(2)) == (None, None)
    assert store.counts() == {State.WAITING: 1, State.ACCEPTED: 0, State.REJECTED: 0}
    assert read_corrections(path) == [(stored, b"PNG of TOTAL")]  # while it is open to write
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_is_opened_again(path: Path) -> None:
    store = CorrectionStore(path, 5, 1000)
    (stored,) = store.add([line("TOTAL")])
    store.close()
    store = CorrectionStore(path, 5, 1000)
    assert store.get(1) == stored
    store.close()


def test_the_least_certain_come_first_and_pages_follow_each_other(store: CorrectionStore) -> None:
    store.add([line("a", 0.5), line("b", 0.2, x=1), line("c", 0.5, x=2), line("d", 0.9, x=3)])
    order = Order.LEAST_CERTAIN
    assert [each.text for each in store.listed(order, None, 9)] == ["b", "a", "c", "d"]
    first = store.listed(order, None, 2)
    last = first[-1]
    assert [each.text for each in store.listed(order, None, 9, (last.confidence, last.id))] == ["c", "d"]
    store.review(2, State.ACCEPTED, None, None)
    assert [each.text for each in store.listed(order, State.WAITING, 9)] == ["a", "c", "d"]
    assert [each.text for each in store.listed(Order.NEWEST, None, 2)] == ["d", "c"]
    assert [each.text for each in store.listed(Order.NEWEST, None, 9, (0.5, 3))] == ["b", "a"]


def test_a_later_text_for_a_place_replaces_the_one_before_and_waits(store: CorrectionStore) -> None:
    store.add([line("T0TAL")])
    store.review(1, State.ACCEPTED, None, "boss")
    (same,) = store.add([line("T0TAL")])
    assert (same.id, same.state, same.reviewer) == (1, State.ACCEPTED, "boss")
    (changed,) = store.add([replace(line("TOTAL"), who="ben")])
    assert (changed.id, changed.text, changed.who) == (1, "TOTAL", "ben")
    assert (changed.state, changed.reviewer) == (State.WAITING, None)
    (other,) = store.add([line("TOTAL", page=1)])
    assert other.id == 2


def test_review_changes_what_it_names(store: CorrectionStore) -> None:
    store.add([line("T0TAL")])
    changed = store.review(1, State.ACCEPTED, "TOTAL", "boss")
    assert changed is not None
    assert (changed.state, changed.text, changed.reviewer) == (State.ACCEPTED, "TOTAL", "boss")
    changed = store.review(1, State.WAITING, None, None)
    assert changed is not None
    assert (changed.state, changed.text, changed.reviewer) == (State.WAITING, "TOTAL", None)
    assert store.review(9, State.ACCEPTED, None, None) is None


def test_a_deleted_record_takes_its_picture_along(store: CorrectionStore, path: Path) -> None:
    secret, kept = b"secret-picture" * 20, b"other-picture" * 20
    store.add([replace(line("a"), image=secret), replace(line("b", x=1), image=kept)])
    on_disk = lambda: b"".join(file.read_bytes() for file in path.parent.iterdir())  # noqa: E731
    assert secret in on_disk()
    assert store.delete(1)
    assert not store.delete(1)
    assert secret not in on_disk()
    assert b"secret-picture" not in on_disk()
    assert kept in on_disk()
    (new,) = store.add([line("c", x=2)])
    assert new.id == 3  # an id that somebody may still hold is not given to another line


def test_a_full_file_takes_nothing_of_what_is_handed_in(store: CorrectionStore) -> None:
    store.add([line(text, x=index) for index, text in enumerate("abcd")])
    with pytest.raises(StoreFullError, match="6 corrections would be stored, over the limit of 5"):
        store.add([line("e", x=5), line("f", x=6)])
    assert len(store.listed(Order.NEWEST, None, 9)) == 4
    with pytest.raises(StoreFullError, match=r"1,0\d\d bytes would be stored, over the limit of 1,000"):
        store.add([replace(line("e", x=5), image=b"x" * 1000)])
    (changed,) = store.add([line("A")])  # in place of one that is there
    assert changed.id == 1


def test_many_threads_write(store: CorrectionStore) -> None:
    threads = [threading.Thread(target=store.add, args=([line("a", x=x)],)) for x in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.counts()[State.WAITING] == 5


@pytest.mark.parametrize(
    ("text", "stored"),
    [(" TOTAL\n", "TOTAL"), ("Cafe\u0301", "Café"), ("a\u00a0b", "a\u00a0b"), ("می\u200cخوا", "می\u200cخوا")],
)
def test_texts_are_nfc_without_white_space_around_them(text: str, stored: str) -> None:
    assert checked_text(text) == stored


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("  ", "empty"),
        ("a\tb", r"U\+0009"),
        ("a\u2028b", r"U\+2028"),
        ("\ud800", r"U\+D800"),
        ("a\x00b", r"U\+0000"),
        ("x" * 501, "501 symbols"),
    ],
)
def test_texts_that_are_no_line(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        checked_text(text)


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE bookmarks (address TEXT)")
    db.close()
    before = other.read_bytes()
    with pytest.raises(InputError, match=r"other\.db is another program's database"):
        CorrectionStore(other, 5, 1000)
    assert other.read_bytes() == before
    with pytest.raises(InputError, match=r"another program's database"):
        read_corrections(other)
    text = tmp_path / "notes.txt"
    text.write_text("no database, and long enough to have no header of one\n" * 20, encoding="utf-8")
    for use in (lambda: CorrectionStore(text, 5, 1000), lambda: read_corrections(text)):
        with pytest.raises(InputError, match=r"notes\.txt.*not a database"):
            use()
    with pytest.raises(InputError, match=r"there is no .*missing\.db"):
        read_corrections(tmp_path / "missing.db")
    assert not (tmp_path / "missing.db").exists()


def test_a_file_of_a_later_version_is_refused(path: Path) -> None:
    CorrectionStore(path, 5, 1000).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 2")
    db.close()
    with pytest.raises(InputError, match="corrections of form 2, and this ocrtune knows 1"):
        CorrectionStore(path, 5, 1000)
