"""LMDBs in deep-text-recognition-benchmark's format: strangers' ones are read with care, ours are packed."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import lmdb
import numpy as np
import pytest

from ocrtune.data import lmdb_reading, lmdb_store
from ocrtune.data.dataset import LineDataset, open_dataset
from ocrtune.data.images import ImageError, decode_image
from ocrtune.data.lmdb_store import Verify, pack
from ocrtune.data.rejects import Reject, RejectReason
from ocrtune.errors import InputError

Png = Callable[..., bytes]
MakeFolder = Callable[[str, Sequence[str]], Path]
MakeLmdb = Callable[[str, Mapping[str, bytes]], Path]


def records(png: Png, texts: Sequence[str]) -> dict[str, bytes]:
    """A sound set of records: image i has content i."""
    stored = {"num-samples": str(len(texts)).encode()}
    for number, text in enumerate(texts, start=1):
        stored[f"image-{number:09d}"] = png(number)
        stored[f"label-{number:09d}"] = text.encode()
    return stored


def test_the_reference_lmdb_loads(shared: Path) -> None:
    """Written by the benchmark's own converter."""
    dataset = open_dataset(str(shared / "golden/dtrb-lmdb"))
    assert len(dataset) == 32
    assert dataset.rejects == ()
    assert [dataset[i].text for i in (0, 4, 31)] == ["PERNIAGAAN ZHENG HUI", "81760 JOHOR BAHRU", "1"]
    assert dataset.entries[0].id == "image-000000001"
    assert dataset.entries[0].source == f"{shared}/golden/dtrb-lmdb/data.mdb image-000000001"
    assert all(sample.image.dtype == np.uint8 for sample in dataset)


@pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux says of a process")
def test_images_are_mapped_not_loaded(tmp_path: Path) -> None:
    """An LMDB larger than memory trains: 32 MiB are read here, and none of it stays the process's own."""
    image, count = bytes(2**16), 512
    with lmdb.open(str(tmp_path), map_size=2**28) as environment, environment.begin(write=True) as writing:
        for number in range(1, count + 1):
            writing.put(f"image-{number:09d}".encode(), image)
            writing.put(f"label-{number:09d}".encode(), b"a label")
        writing.put(b"num-samples", str(count).encode())
    before = own_memory()
    dataset = open_dataset(str(tmp_path))
    assert sum(len(dataset.images[i].read()) for i in range(count)) == 2**25
    assert own_memory() - before < 2**22


def own_memory() -> int:
    """Bytes of this process that no file holds."""
    rows = Path("/proc/self/status").read_text().splitlines()
    (row,) = (row for row in rows if row.startswith("RssAnon"))
    return 1024 * int(row.split()[1])


def test_lmdbs_are_found_at_any_depth(tmp_path: Path, png: Png, make_lmdb: MakeLmdb) -> None:
    make_lmdb("sets/b", records(png, ["y"]))
    make_lmdb("sets/a/deep", records(png, ["x", "X"]))
    dataset = open_dataset(str(tmp_path / "sets"))
    assert [(e.id, e.text) for e in dataset.entries] == [
        ("a/deep/image-000000001", "x"),
        ("a/deep/image-000000002", "X"),
        ("b/image-000000001", "y"),
    ]
    np.testing.assert_array_equal(dataset.image(1), decode_image(png(2), ""))
    assert dataset.resolved.count("lines of an LMDB in deep-text-recognition-benchmark's format") == 2
    # The data file itself may be named, too.
    assert len(open_dataset(str(tmp_path / "sets/b/data.mdb"))) == 1


def test_one_lmdb_may_be_opened_as_two_datasets(png: Png, make_lmdb: MakeLmdb) -> None:
    """LMDB itself refuses a second handle in one process; `--train X --val X` needs one."""
    folder = make_lmdb("set", records(png, ["x"]))
    first, second = open_dataset(str(folder)), open_dataset(str(folder))
    np.testing.assert_array_equal(first.image(0), second.image(0))


def _checksum(dataset: LineDataset) -> int:
    return int(dataset.image(0).sum())


def test_a_dataset_pickles_while_its_lmdb_is_open(png: Png, make_lmdb: MakeLmdb) -> None:
    dataset = open_dataset(str(make_lmdb("set", records(png, ["x"]))))
    expected = _checksum(dataset)  # its LMDB is open now, and stays behind
    assert _checksum(pickle.loads(pickle.dumps(dataset))) == expected


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # forking beside threads, on purpose
def test_a_forked_worker_opens_its_own_handle(png: Png, make_lmdb: MakeLmdb) -> None:
    """In a forked child LMDB still counts the parent's handle as open and would refuse."""
    dataset = open_dataset(str(make_lmdb("set", records(png, ["x"]))))
    expected = _checksum(dataset)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply(_checksum, (dataset,)) == expected
    assert _checksum(dataset) == expected


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # forking beside threads, on purpose
def test_four_workers_read_every_image_as_it_was_packed(
    method: str, tmp_path: Path, png: Png, make_folder: MakeFolder
) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system cannot {method}")
    packed = pack([open_dataset(str(make_folder("set", ["x"] * 40)))], tmp_path / "out")
    dataset = open_dataset(str(packed.path))
    dataset.image(0)  # the parent's handle is open
    with multiprocessing.get_context(method).Pool(4) as pool:
        images = pool.map(dataset.image, range(40), chunksize=1)
    for i, image in enumerate(images):
        np.testing.assert_array_equal(image, decode_image(png(i), ""))


def test_bad_records_are_rejects(tmp_path: Path, png: Png, make_lmdb: MakeLmdb) -> None:
    stored = records(png, ["x", "y", "  ", "z", "w"])
    stored["num-samples"] = b"6"
    del stored["label-000000002"], stored["image-000000004"]
    stored["label-000000005"] = b"\xff"
    stored["label-000000006"] = b"t" * (lmdb_reading.TEXT_LIMIT + 1)
    stored |= {"note": b"by hand", "image-000000007": png(7)}
    folder = make_lmdb("set", stored)
    dataset = open_dataset(str(folder))
    assert [e.text for e in dataset.entries] == ["x", "z"]

    def no_text(number: int, detail: str) -> Reject:
        key = f"image-{number:09d}"
        return Reject(key, f"{folder}/data.mdb {key}", RejectReason.NO_TEXT, detail)

    assert dataset.rejects == (
        no_text(2, "no key label-000000002"),
        no_text(3, "label-000000003 is empty"),
        no_text(5, "label-000000005 is not UTF-8 (byte 0)"),
        no_text(6, "label-000000006 has 65537 bytes, over 65536"),
    )
    assert "6 lines" in dataset.resolved
    assert "2 further records are not counted by num-samples and not read" in dataset.resolved
    with pytest.raises(ImageError, match="image-000000004: missing image: no such key"):
        dataset.image(1)


@pytest.mark.parametrize(
    ("count", "message"),
    [
        (None, "has no num-samples: not deep-text-recognition-benchmark's format, or its writing was cut"),
        (b"", "num-samples: '' cannot be right with 3 records"),
        (b"-1", "num-samples: '-1' cannot be right"),
        (b"0", "num-samples: '0' cannot be right"),
        (b"\xff\n", "cannot be right"),
        # A count that would take years to walk through.
        (b"99999999999", "num-samples: '99999999999' cannot be right with 3 records; make it again"),
    ],
)
def test_an_absurd_count_is_refused(png: Png, make_lmdb: MakeLmdb, count: bytes | None, message: str) -> None:
    stored = records(png, ["x"])
    if count is None:
        del stored["num-samples"]
    else:
        stored["num-samples"] = count
    with pytest.raises(InputError) as raised:
        open_dataset(str(make_lmdb("set", stored)))
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_that_is_cut_off_is_refused_before_it_is_read(png: Png, make_lmdb: MakeLmdb) -> None:
    """Reading past its end would kill the process with SIGBUS, beyond any handler."""
    folder = make_lmdb("set", records(png, ["x"] * 20))
    content = (folder / "data.mdb").read_bytes()
    for size, message in [
        (0, "is not a readable LMDB"),
        (100, "is not a readable LMDB"),
        (5000, "is cut off: 5000 of"),
        (len(content) - 1, f"is cut off: {len(content) - 1} of {len(content)} bytes; copy it again"),
    ]:
        (folder / "data.mdb").write_bytes(content[:size])
        with pytest.raises(InputError, match=message):
            open_dataset(str(folder))


def test_pack_stores_images_byte_for_byte_and_texts_to_the_letter(
    tmp_path: Path, png: Png, make_folder: MakeFolder, make_lmdb: MakeLmdb
) -> None:
    texts = [" é x ", "漢字"]
    datasets = [
        open_dataset(str(make_folder("set", texts))),
        open_dataset(str(make_lmdb("other", records(png, ["z"])))),
    ]
    done: list[tuple[int, int]] = []
    packed = pack(datasets, tmp_path / "out/lmdb", progress=lambda *counts: done.append(counts))
    assert (packed.path, packed.lines, packed.rejects) == (tmp_path / "out/lmdb", 3, ())
    assert done == [(3, 3)]
    assert os.listdir(tmp_path / "out") == ["lmdb"]  # noqa: PTH208 - hidden leftovers count, too
    assert sorted(os.listdir(packed.path)) == ["data.mdb", "sources.tsv"]  # noqa: PTH208
    sets = [dataset.name for dataset in datasets]
    assert (packed.path / "sources.tsv").read_text(encoding="utf-8").splitlines() == [
        "record\tdataset\tsource\tid",
        f"1\t{sets[0]}\t{sets[0]}/labels.txt:1\timages/0.png",
        f"2\t{sets[0]}\t{sets[0]}/labels.txt:2\timages/1.png",
        f"3\t{sets[1]}\t{sets[1]}/data.mdb image-000000001\timage-000000001",
    ]
    with lmdb.open(str(packed.path), readonly=True, lock=False) as environment, environment.begin() as stored:
        assert dict(stored.cursor()) == {
            b"num-samples": b"3",
            b"image-000000001": png(0),
            b"label-000000001": texts[0].encode(),
            b"image-000000002": png(1),
            b"label-000000002": texts[1].encode(),
            b"image-000000003": png(1),
            b"label-000000003": b"z",
        }
    assert [e.text for e in open_dataset(str(packed.path)).entries] == [*texts, "z"]


def test_packed_files_keep_the_format_other_tools_read() -> None:
    """LMDB 1.0 writes files that readers of 0.9 refuse."""
    assert lmdb.version()[:2] == (0, 9)


def test_pack_leaves_out_what_cannot_be_used_and_says_so(tmp_path: Path, make_folder: MakeFolder) -> None:
    folder = make_folder("set", ["a", "", "c", "d"])
    (folder / "images/2.png").write_bytes(b"torn")
    packed = pack([open_dataset(str(folder))], tmp_path / "out")
    assert packed.lines == 2
    assert [(r.id, r.reason) for r in packed.rejects] == [
        ("images/1.png", RejectReason.NO_TEXT),
        ("images/2.png", RejectReason.BROKEN_IMAGE),
    ]
    assert packed.rejects[1].detail.startswith(f"{folder}/images/2.png: none of JPEG")
    assert [e.text for e in open_dataset(str(tmp_path / "out")).entries] == ["a", "d"]


@pytest.mark.parametrize(("verify", "lines"), [("header", 2), ("full", 1)])
def test_only_full_verification_sees_damage_within_a_jpeg(
    tmp_path: Path, make_folder: MakeFolder, verify: Verify, lines: int
) -> None:
    folder = make_folder("set", ["a", "b", "c"])
    jpeg = cv2.imencode(".jpg", np.zeros((64, 200), np.uint8))[1].tobytes()
    codes = jpeg.index(b"\xff\xc4") + 5
    damaged = jpeg[:codes] + b"\xff" + jpeg[codes + 1 :]  # 255 codes of one bit
    with pytest.raises(ImageError):
        decode_image(damaged, "")
    (folder / "images/1.png").write_bytes(damaged)
    (folder / "images/2.png").write_bytes(jpeg[:-1])  # cut off: seen either way
    packed = pack([open_dataset(str(folder))], tmp_path / "out", verify=verify)
    assert packed.lines == lines


def test_hostile_names_break_no_row_of_the_sources(tmp_path: Path, make_folder: MakeFolder, png: Png) -> None:
    folder = make_folder("a\\b", ["x"])
    odd = "images/\u2028\r\x1b.png"
    (folder / odd).write_bytes(png())
    (folder / "labels.txt").write_bytes(f"{odd}\tx\n".encode())
    packed = pack([open_dataset(str(folder))], tmp_path / "out")
    rows = (packed.path / "sources.tsv").read_bytes().decode().split("\n")
    assert rows[1].split("\t")[3] == r"images/\u2028\r\u001b.png"
    assert len(rows) == 3


def pages_needed(sizes: Sequence[tuple[int, int]]) -> int:
    """Pages of 4 KiB that records of (key, value) bytes fill when they are appended, by LMDB's layout.

    A record beyond half a page has its value on pages of its own, with a header of 16 bytes on the first;
    the others share pages, each with 8 bytes of its own and 2 in the page's index.
    """
    pages, room = 0, 0
    for key, value in sizes:
        record = 8 + key + value
        if record > (4096 - 16) // 2 - 2:
            pages += -(-(16 + value) // 4096)
            record = 8 + key + 8
        record += record % 2 + 2
        if record > room:
            pages, room = pages + 1, 4096 - 16
        room -= record
    return pages


@pytest.mark.parametrize("width", [12, 50, 130, 300])
def test_a_file_is_its_records_rounded_up_to_pages_and_nothing_else(
    width: int, tmp_path: Path, png: Png, make_folder: MakeFolder
) -> None:
    """Never larger than that for a map that was larger, nor for pages that a commit left free."""
    folder = make_folder("set", ["label"] * 300)
    for i in range(300):
        (folder / f"images/{i}.png").write_bytes(png(i, 16, width + i % 60))
    dataset = open_dataset(str(folder))
    file = pack([dataset], tmp_path / "out").path / "data.mdb"
    sizes = [(15, len(image.read())) for image in dataset.images] + [(15, 5)] * 300 + [(11, 3)]
    pages, rest = divmod(file.stat().st_size, 4096)
    least = pages_needed(sizes) + 2  # two hold the root
    assert rest == 0
    assert least <= pages <= 1.01 * least + 12  # an index above them, and what the last commits left free
    if sys.platform == "linux":
        assert file.stat().st_blocks * 512 >= file.stat().st_size  # no hole in it that copying would fill


def test_pages_are_filled(tmp_path: Path, png: Png, make_folder: MakeFolder) -> None:
    """With each label put behind its image, LMDB split pages in halves that stayed so: 1.85, not 1.46."""
    folder = make_folder("set", ["label"] * 400)
    for i in range(400):
        (folder / f"images/{i}.png").write_bytes(png(i, 16, 30 + i * 37 % 80))
    dataset = open_dataset(str(folder))
    packed = pack([dataset], tmp_path / "out")
    size = sum(len(image.read()) for image in dataset.images)  # 600 to 1,800 bytes each
    assert (packed.path / "data.mdb").stat().st_size < 1.6 * size


def test_the_map_grows_as_needed(
    tmp_path: Path, make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lmdb_store, "FIRST_MAP_SIZE", 2**14)
    monkeypatch.setattr(lmdb_store, "_RECORDS_PER_TRANSACTION", 7)
    texts = [f"line {i}" for i in range(100)]
    dataset = open_dataset(str(make_folder("set", texts)))
    again = open_dataset(str(pack([dataset], tmp_path / "out").path))
    assert [e.text for e in again.entries] == texts
    assert [i.read() for i in again.images] == [i.read() for i in dataset.images]


def test_pack_replaces_an_lmdb_only_when_told_and_nothing_else_ever(
    tmp_path: Path, make_folder: MakeFolder
) -> None:
    old, new = (open_dataset(str(make_folder(name, [name]))) for name in ("old", "new"))
    out = tmp_path / "out"
    pack([old], out)
    before = open_dataset(str(out))
    assert before[0].text == "old"  # holds the old file open
    with pytest.raises(InputError, match="exists already; choose another name or add --overwrite"):
        pack([new], out)
    assert open_dataset(str(out))[0].text == "old"
    pack([new], out, overwrite=True)
    assert open_dataset(str(out))[0].text == "new"
    with pytest.raises(InputError, match="is not an LMDB folder, so it is not overwritten"):
        pack([new], tmp_path / "old", overwrite=True)
    assert (tmp_path / "old/labels.txt").exists()


@pytest.mark.parametrize(
    ("suffix", "break_images", "message"),
    [
        ("", True, "can be packed: 2 broken image; the first: "),
        ("@2", False, "set@2: an LMDB keeps no weight; pack it without"),
    ],
)
def test_a_refused_pack_leaves_nothing_behind(
    tmp_path: Path, make_folder: MakeFolder, suffix: str, break_images: bool, message: str
) -> None:
    folder = make_folder("set", ["a", "b"])
    if break_images:
        for image in (folder / "images").iterdir():
            image.write_bytes(b"torn")
    with pytest.raises(InputError, match=message):
        pack([open_dataset(f"{folder}{suffix}")], tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_full_disk_leaves_nothing_behind(
    tmp_path: Path, make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise lmdb.Error("mdb_txn_commit: No space left on device")

    monkeypatch.setattr(lmdb_store, "put_records", full)
    dataset = open_dataset(str(make_folder("set", ["a"])))
    with pytest.raises(InputError, match=r"cannot write .*/out: .*No space left on device; free space"):
        pack([dataset], tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_packed_folder_can_be_moved(tmp_path: Path, make_folder: MakeFolder) -> None:
    pack([open_dataset(str(make_folder("set", ["a"])))], tmp_path / "out")
    shutil.move(tmp_path / "out", tmp_path / "moved")
    assert open_dataset(str(tmp_path / "moved"))[0].text == "a"
