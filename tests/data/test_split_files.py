"""`data split`: whole pages, stable under growth, label files that read as what went in, nothing lost."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocrtune.cli import main
from ocrtune.data.dataset import open_dataset
from ocrtune.data.groups import page_of
from ocrtune.data.lmdb_store import pack
from ocrtune.data.split import Shares, Side, assign_sides, split_validation
from ocrtune.data.split_files import write_split
from ocrtune.data.split_plan import plan_split
from ocrtune.errors import InputError

Png = Callable[..., bytes]
MakeLmdb = Callable[[str, Mapping[str, bytes]], Path]


def make_pages(folder: Path, png: Png, pages: int, lines: int = 3, text: str = "ab") -> Path:
    """`images/PAGE_LINE.png` and `labels.txt`."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    names = [f"images/{page:03d}_{line}.png" for page in range(pages) for line in range(lines)]
    for name in names:
        (folder / name).write_bytes(png())
    (folder / "labels.txt").write_text("".join(f"{name}\t{text}\n" for name in names), encoding="utf-8")
    return folder


def ids_of(path: Path) -> set[str]:
    """File names in a label file."""
    return {entry.id.rpartition("/")[2] for entry in open_dataset(str(path)).entries}


@given(
    groups=st.sets(st.text(), min_size=60, max_size=120),
    added=st.sets(st.text(), max_size=60),
    seed=st.integers(0, 2**63),
)
def test_added_groups_move_none(groups: set[str], added: set[str], seed: int) -> None:
    shares = Shares(0.3, 0.3)
    before, after = (assign_sides(g, shares, seed) for g in (groups, groups | added))
    if not before.borrowed:  # of 60 groups one falls on each side but for one seed in 10^9
        assert {g: before.of(g) for g in groups} == {g: after.of(g) for g in groups}


@given(st.sets(st.text(), min_size=3, max_size=20), st.floats(0.01, 0.49), st.floats(0.01, 0.49))
def test_every_side_has_a_group(groups: set[str], val: float, test: float) -> None:
    sides = assign_sides(groups, Shares(val, test))
    assert {sides.of(group) for group in groups} == set(Side)


def test_a_third_side_takes_from_train_only() -> None:
    groups = [str(i) for i in range(300)]
    without, with_test = (assign_sides(groups, shares) for shares in (Shares(0.1), Shares(0.1, 0.2)))
    assert {g for g in groups if without.of(g) is Side.VAL} == {
        g for g in groups if with_test.of(g) is Side.VAL
    }
    assert sum(with_test.of(g) is Side.TEST for g in groups) == 64  # by hash, so about a fifth


@pytest.mark.parametrize(("val", "test"), [(0, 0), (1, 0), (-0.1, 0), (0.5, 0.5), (float("nan"), 0)])
def test_shares_that_leave_nothing_are_refused(val: float, test: float) -> None:
    with pytest.raises(InputError, match="--val"):
        Shares(val, test)


def test_pages_stay_whole_and_growth_moves_no_line(
    tmp_path: Path, png: Png, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_pages(tmp_path / "set", png, pages=40)
    assert main(["data", "split", str(folder), "-o", str(tmp_path / "before"), "--test", "0.2"]) == 0
    assert "groups: 40 by image names, of 3 to 3 lines (median 3)" in capsys.readouterr().out
    make_pages(folder, png, pages=60, lines=4)
    assert main(["data", "split", str(folder), "-o", str(tmp_path / "after"), "--test", "0.2"]) == 0
    seen: set[str | None] = set()
    for side in Side:
        before, after = (ids_of(tmp_path / when / f"{side}.txt") for when in ("before", "after"))
        assert before < after
        pages = {page_of(line_id) for line_id in after}
        assert not pages & seen
        seen |= pages
    assert len(seen) == 60
    assert sorted(path.name for path in tmp_path.iterdir()) == ["after", "before", "set"]
    record = json.loads((tmp_path / "after/split.json").read_text())
    assert (record["seed"], record["lines"]["val"]) == (0, len(ids_of(tmp_path / "after/val.txt")))


def test_training_without_val_uses_the_same_split(tmp_path: Path, png: Png) -> None:
    dataset = open_dataset(str(make_pages(tmp_path / "set", png, pages=40)))
    plan = plan_split([dataset], Shares(), "page", 0)
    _, val, _ = split_validation(dataset)
    assert [entry.id for entry in val.entries] == [d.entries[i].id for d, i, _ in plan.lines(Side.VAL)]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(
        st.text(st.characters(exclude_categories=["Cs"])).filter(str.strip), min_size=4, max_size=12
    )
)
def test_any_text_comes_back_to_the_letter_or_is_listed(
    tmp_path: Path, png: Png, make_lmdb: MakeLmdb, texts: list[str]
) -> None:
    """From an LMDB, which may hold any text, into label files, which hold no line break."""
    folder = Path(tempfile.mkdtemp(dir=tmp_path))  # an LMDB stays open: each example has its own
    stored = {"num-samples": str(len(texts)).encode()}
    for number, text in enumerate(texts, start=1):
        stored |= {f"image-{number:09d}": png(number), f"label-{number:09d}": text.encode()}
    dataset = open_dataset(str(make_lmdb(f"{folder.name}/lmdb", stored)))
    plan = plan_split([dataset], Shares(0.5), "none", 0)
    if any(all("\n" in dataset[i].text for _, i, _ in plan.lines(side)) for side in plan.shares.sides):
        return  # nothing of a side can be written, which is refused
    written = write_split(plan, folder / "out", copy=True)
    back = [e.text for label in written.labels.values() for e in open_dataset(str(label)).entries]
    lost = [dataset.entries[int(r.id[6:]) - 1].text for r in written.rejects]
    assert sorted(back + lost) == sorted(texts)
    assert all("\n" in text or text.endswith("\r") for text in lost)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_odd_names_are_pointed_to_or_listed(tmp_path: Path, png: Png) -> None:
    """A label file reads `\\` as `/`, a TAB as the end of the path, and holds UTF-8 only."""
    folder = tmp_path / "set"
    folder.mkdir()
    good = [" a .png", "\ufeffb.png", "c\r.png", "ü漢.png", "'quoted\".png", "e.png\u2028"]
    for name in good:
        (folder / name).write_bytes(png())
    (folder / "labels.txt").write_text("".join(f"{name}\tx\n" for name in good), encoding="utf-8", newline="")
    (folder / "labels.txt").write_bytes(b"z.png\tmissing\n" + (folder / "labels.txt").read_bytes())
    dataset = open_dataset(str(folder))
    written = write_split(plan_split([dataset], Shares(0.4), "none", 0), tmp_path / "out")
    found = [image for label in written.labels.values() for image in open_dataset(str(label)).images]
    assert sorted(Path(image.where).name for image in found) == sorted([*good, "z.png"])
    assert sum(Path(image.where).is_file() for image in found) == len(
        good
    )  # a missing one is train's to tell
    odd = tmp_path / os.fsdecode(b"odd\xff")
    odd.mkdir()
    moved = folder.rename(odd / "set")
    with pytest.raises(InputError, match=r"no line of train can be written: \d cannot be stored"):
        write_split(plan_split([open_dataset(str(moved))], Shares(0.4), "none", 0), tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_copies_stay_inside_and_keep_apart_what_has_one_name(tmp_path: Path, png: Png) -> None:
    for number, name in enumerate(("a", "b")):
        (tmp_path / name).mkdir()
        for i in range(6):
            (tmp_path / name / f"{i}.png").write_bytes(png(10 * number + i))
    labels = tmp_path / "sub/labels.txt"
    labels.parent.mkdir()
    labels.write_text("".join(f"../{name}/{i}.png\t{name}{i}\n" for name in "ab" for i in range(6)))
    datasets = [open_dataset(str(labels)), open_dataset(str(labels))]
    written = write_split(plan_split(datasets, Shares(0.3), "none", 0), tmp_path / "out", copy=True)
    content = {
        (image.read(), entry.text)
        for label in written.labels.values()
        for image, entry in zip(
            open_dataset(str(label)).images, open_dataset(str(label)).entries, strict=True
        )
    }
    assert content == {(png(10 * n + i), f"{name}{i}") for n, name in enumerate("ab") for i in range(6)}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "out", "sub"]
    assert len(list((tmp_path / "out").rglob("*.png"))) == 12  # the second dataset has the same images


def test_a_packed_set_is_split_like_its_folder(tmp_path: Path, png: Png) -> None:
    """`pack` keeps the image names beside the data, so that the pages are known."""
    folder = open_dataset(str(make_pages(tmp_path / "set", png, pages=40)))
    packed = open_dataset(str(pack([folder], tmp_path / "packed").path))
    before, after = (plan_split([dataset], Shares(), "page", 0) for dataset in (folder, packed))
    assert list(before.lines(Side.VAL)) == [(folder, i, name) for _, i, name in after.lines(Side.VAL)]
    written = write_split(after, tmp_path / "out", copy=True)
    copied = open_dataset(str(written.labels[Side.VAL]))
    assert [entry.id for entry in copied.entries] == [name for *_, name in before.lines(Side.VAL)]
    _, val, _ = split_validation(packed)
    assert len(val) == before.counts[Side.VAL].lines


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"record\tdataset\tsource\tid\n1\ta\tb\t003_1.png\n",
            "lacks image-000000002: it is of another LMDB",
        ),
        (b"record\tdataset\tsource\tid\n1\ta\tb\n", r"sources\.tsv:2 is no row of 4 fields; pack again"),
        (
            b"record\tdataset\tsource\tid\n1\ta\tb\t" + b"c" * 10**6,
            r"sources\.tsv:2 is no row of 4 fields; pack again",
        ),
        (b"x" * 10**6, "is no list that data pack wrote; remove it"),
        (b"\xff", "cannot read .*; remove it or pack again"),
    ],
)
def test_a_wrong_list_of_origins_is_refused(tmp_path: Path, png: Png, content: bytes, message: str) -> None:
    folder = open_dataset(str(make_pages(tmp_path / "set", png, pages=2)))
    packed = pack([folder], tmp_path / "packed").path
    (packed / "sources.tsv").write_bytes(content)
    with pytest.raises(InputError, match=message):
        plan_split([open_dataset(str(packed))], Shares(), "page", 0)


def test_nothing_but_a_split_is_ever_replaced(tmp_path: Path, png: Png) -> None:
    """A folder with the user's own `train` and `val` looks much like one."""
    folder = make_pages(tmp_path / "mine/train", png, pages=20)
    plan = plan_split([open_dataset(str(folder))], Shares(), "page", 0)
    with pytest.raises(InputError, match="is no folder that a split has made, so it is not overwritten"):
        write_split(plan, tmp_path / "mine", overwrite=True)
    write_split(plan, tmp_path / "out")
    with pytest.raises(InputError, match="exists already; choose another name or add --overwrite"):
        write_split(plan, tmp_path / "out")
    (tmp_path / "out/val.txt").write_text("old")
    write_split(plan, tmp_path / "out", copy=True, overwrite=True)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["split.json", "train", "val"]
    # Its copies may be the only ones by now: a split of them must not take their place.
    again = plan_split([open_dataset(str(tmp_path / "out/train"))], Shares(), "page", 0)
    with pytest.raises(InputError, match=r"out holds images of .*out/train and would be replaced"):
        write_split(again, tmp_path / "out", overwrite=True)


def test_lmdbs_must_be_copied_and_weights_are_refused(tmp_path: Path, png: Png, make_lmdb: MakeLmdb) -> None:
    stored = {"num-samples": b"3"}
    for number in (1, 2, 3):
        stored |= {f"image-{number:09d}": png(number), f"label-{number:09d}": b"x"}
    folder = make_lmdb("set", stored)
    with pytest.raises(InputError, match="is not a file that a label file can point to; add --copy"):
        write_split(plan_split([open_dataset(str(folder))], Shares(), "page", 0), tmp_path / "out")
    with pytest.raises(InputError, match="set@2: a label file keeps no weight"):
        plan_split([open_dataset(f"{folder}@2")], Shares(), "page", 0)


def test_rare_symbols_are_named_and_a_seed_that_helps(tmp_path: Path, png: Png) -> None:
    folder = make_pages(tmp_path / "set", png, pages=30, lines=1)
    lines = (folder / "labels.txt").read_text().splitlines()
    names = [line.split("\t")[0] for line in lines]
    texts = ["ab"] * 30
    plan = plan_split([open_dataset(str(folder))], Shares(), "page", 0)
    val = {index for _, index, _ in plan.lines(Side.VAL)}
    train = sorted(set(range(30)) - val)
    for index in train[:6]:
        texts[index] = "abø"  # could be on both sides
    texts[train[-1]] = "abß"  # could not
    texts[min(val)] = "abç"
    (folder / "labels.txt").write_text(
        "".join(f"{n}\t{t}\n" for n, t in zip(names, texts, strict=True)), encoding="utf-8"
    )
    plan = plan_split([open_dataset(str(folder))], Shares(), "page", 0)
    assert plan.one_sided == {Side.TRAIN: {"ç": 1}, Side.VAL: {"ß": 1, "ø": 6}}
    said = plan.summary()
    assert "1 symbol cannot be learnt, as train lacks them: 'ç'; in too few groups" in said
    assert "2 symbols not measured by val: 'ø' 'ß'; 1 of them in enough groups for another seed" in said
    better = plan.better_seed()
    assert better is not None
    assert said[-1].startswith(f"--seed {better} would do better: ")
    assert "ø" not in plan_split(plan.datasets, Shares(), "page", better).one_sided[Side.VAL]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "out"], "data split needs labelled lines"),
        (["set", "-o", "out", "--val", "1.5"], "--val 1.5: give a fraction from 0 to below 1"),
        (["set", "-o", "out", "--group", "("], "--group ( is no regular expression"),
        (["set", "-o", "out", "--group", "set"], "--group set finds nothing in any image name"),
        (["set", "-o", "out", "--group", "images"], "1 groups are too few for train, val"),
        (["set", "-o", "set"], "set exists already"),
    ],
)
def test_wrong_usage_is_one_line(
    tmp_path: Path,
    png: Png,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: Sequence[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    make_pages(Path("set"), png, pages=3)
    assert main(["data", "split", *arguments]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith(f"ocrtune: error: {message}")
    assert [path.name for path in tmp_path.iterdir()] == ["set"]
