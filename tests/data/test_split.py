"""Splitting by name: stable, never empty; and the check for lines that stand on both sides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ocrtune.data.dataset import LineDataset, open_dataset
from ocrtune.data.lines import LineEntry
from ocrtune.data.lmdb_store import pack
from ocrtune.data.rejects import Reject, RejectReason
from ocrtune.data.split import duplicates_between, split_validation
from ocrtune.errors import InputError

MakeFolder = Callable[[str, Sequence[str]], Path]


class NoImage:
    """Splitting never looks at pixels."""

    where = location = "nowhere"

    def read(self) -> bytes:
        raise AssertionError("was read")


def dataset_of(ids: Sequence[str], rejected: Sequence[str] = ()) -> LineDataset:
    return LineDataset(
        name="set",
        entries=tuple(LineEntry(line_id, "x", "") for line_id in ids),
        images=tuple(NoImage() for _ in ids),
        weight=2.0,
        rejects=tuple(Reject(line_id, "", RejectReason.NO_TEXT, "") for line_id in rejected),
        resolved="",
    )


def ids_of(dataset: LineDataset) -> list[str]:
    return [entry.id for entry in dataset.entries]


def test_a_tenth_validates_and_nothing_is_lost() -> None:
    ids = [f"images/{i:04d}.jpg" for i in range(1000)]
    train, val, _ = split_validation(dataset_of(ids))
    assert len(val) == 104  # by hash, so about a tenth
    assert sorted(ids_of(train) + ids_of(val)) == ids
    assert (train.weight, val.weight) == (2.0, 2.0)


def test_lines_added_later_move_no_other() -> None:
    ids = [f"{i}.png" for i in range(300)]
    _, before, _ = split_validation(dataset_of(ids[:200]))
    _, after, _ = split_validation(dataset_of(ids[::-1]))
    assert set(ids_of(before)) == set(ids_of(after)) & set(ids[:200])


def test_an_image_labelled_twice_stays_on_one_side() -> None:
    ids = [f"{i % 50}.png" for i in range(100)]
    train, val, _ = split_validation(dataset_of(ids))
    assert not set(ids_of(train)) & set(ids_of(val))


def test_rejects_go_with_their_side_and_none_is_counted_twice() -> None:
    ids = [f"{i}.png" for i in range(300)]
    _, without, _ = split_validation(dataset_of(ids))
    train, val, _ = split_validation(dataset_of(ids[1::2], rejected=ids[::2]))
    rejected = {reject.id for reject in val.rejects}
    assert rejected == set(ids_of(without)) & set(ids[::2])
    assert rejected | {reject.id for reject in train.rejects} == set(ids[::2])


@pytest.mark.parametrize("count", [2, 3, 10])
def test_both_sides_always_have_a_line(count: int) -> None:
    train, val, _ = split_validation(dataset_of([f"{i}.png" for i in range(count)]))
    assert len(train) + len(val) == count
    assert len(train) >= 1
    assert len(val) >= 1


def test_one_line_cannot_be_split() -> None:
    with pytest.raises(InputError, match=r"set has 1 different lines, too few to split .* give --val"):
        split_validation(dataset_of(["a.png", "a.png"]))


def test_duplicates_are_found_by_place_and_by_content(tmp_path: Path, make_folder: MakeFolder) -> None:
    """The ids images/0.png, images/1.png … are the same in every folder and prove nothing."""
    train = open_dataset(str(make_folder("train", ["a", "b", "c", "d"])))
    # Image i has the same bytes in both folders: lines 0 and 3 agree in text, too.
    other = open_dataset(str(make_folder("val", ["a", "x", "y", "d"])))
    assert duplicates_between(train, other) == 2
    assert duplicates_between(train, train.select([1, 2])) == 2
    assert duplicates_between(train.select([0, 1]), train.select([2, 3])) == 0
    # A packed copy is found by its content.
    packed = open_dataset(str(pack([train], tmp_path / "lmdb").path))
    assert duplicates_between(train, packed) == 4
    # The same file under another text is seen by its place, also when it is broken.
    (tmp_path / "relabelled.txt").write_text("train/images/0.png\tz\nval/images/1.png\tz\n")
    (tmp_path / "train/images/0.png").write_bytes(b"")
    (tmp_path / "val/images/1.png").write_bytes(b"torn")
    assert duplicates_between(train, open_dataset(str(tmp_path / "relabelled.txt"))) == 1
