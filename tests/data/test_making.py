"""Datasets from recipes: what is written, gone on with, appended and refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import lmdb
import numpy as np
import pytest

from ocrtune.data import making
from ocrtune.data.dataset import MADE_RECORD, open_dataset
from ocrtune.data.made_stores import PART
from ocrtune.data.making import MadeRecord, make
from ocrtune.errors import BarError, InputError
from ocrtune.synth.drawing import Extras
from ocrtune.synth.font_search import matplotlib_font_folder
from ocrtune.synth.recipe import SynthRecipe

RECIPE = SynthRecipe.model_validate(
    {
        "texts": {"sources": [{"template": "Nr {digits:4}"}]},
        "lines": 40,
        "fonts": [str(matplotlib_font_folder() / "DejaVuSans.ttf")],
    }
)
SYNTHESIS = RECIPE.build(Path())
MAKE = {"folder": False, "LMDB": True}

as_lmdb = pytest.mark.parametrize("as_lmdb", MAKE.values(), ids=MAKE)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "BATCH", 8)


def contents(out: Path) -> list[tuple[str, bytes]]:
    """Text and pixels of every line."""
    dataset = open_dataset(str(out))
    return [(sample.text, sample.image.tobytes()) for sample in dataset]


@as_lmdb
def test_lines_are_those_of_the_generator(tmp_path: Path, as_lmdb: bool) -> None:
    made = make(RECIPE, SYNTHESIS, tmp_path / "out", as_lmdb=as_lmdb, workers=1)
    assert (made.lines, made.drawn, made.left_out) == (40, 40, ())
    expected = [SYNTHESIS.generator.line(i) for i in range(40)]
    assert contents(tmp_path / "out") == [(line.text, line.image.tobytes()) for line in expected]
    (run,) = MadeRecord.read(tmp_path / "out").runs
    assert (run.first, run.lines, run.recipe, run.is_done) == (0, 40, RECIPE, True)


def interrupt_after(batches: int) -> Callable[[int, int], None]:
    """A progress callback that stops the run like Ctrl-C."""
    seen = []

    def progress(done: int, total: int) -> None:
        seen.append(done)
        if len(seen) == batches:
            raise KeyboardInterrupt

    return progress


def test_masks_and_boxes_lie_beside_the_images(tmp_path: Path) -> None:
    out = tmp_path / "out"
    make(RECIPE, SYNTHESIS, out, extras=Extras(masks=True, boxes=True), workers=2)
    for index in (0, 39):
        line = SYNTHESIS.generator.line(index)
        mask = cv2.imread(str(out / f"masks/000/{index:06d}.png"), cv2.IMREAD_UNCHANGED)
        assert np.array_equal(mask, line.look.truth)
        assert mask.shape == line.image.shape[:2]
        told = json.loads((out / f"boxes/000/{index:06d}.json").read_text(encoding="utf-8"))
        assert told["text"] == line.text
        assert np.allclose(told["boxes"], line.character_boxes(), atol=0.051)
    assert len(list(out.rglob("*.json"))) == 40 + 1  # with made.json


def test_a_run_goes_on_with_the_files_it_began_with_only(tmp_path: Path, small_batches: None) -> None:
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        make(RECIPE, SYNTHESIS, out, extras=Extras(masks=True), workers=1, progress=interrupt_after(2))
    with pytest.raises(InputError, match="unfinished run of another recipe"):
        make(RECIPE, SYNTHESIS, out, workers=1)
    make(RECIPE, SYNTHESIS, out, extras=Extras(masks=True), workers=1)
    assert len(list(out.rglob("masks/*/*.png"))) == 40


def test_an_lmdb_has_no_place_for_masks(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="leave --lmdb out, or --masks and --boxes"):
        make(RECIPE, SYNTHESIS, tmp_path / "out", as_lmdb=True, extras=Extras(masks=True))
    assert not (tmp_path / "out").exists()


@as_lmdb
def test_an_interrupted_run_goes_on_to_the_same_lines(
    tmp_path: Path, as_lmdb: bool, small_batches: None
) -> None:
    make(RECIPE, SYNTHESIS, tmp_path / "straight", as_lmdb=as_lmdb, workers=1)
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        make(RECIPE, SYNTHESIS, out, as_lmdb=as_lmdb, workers=1, progress=interrupt_after(3))
    with pytest.raises(InputError):
        open_dataset(str(out))  # half a dataset is none
    made = make(RECIPE, SYNTHESIS, out, as_lmdb=as_lmdb, workers=1)
    assert (made.lines, made.resumed, made.drawn) == (40, 24, 16)
    assert contents(out) == contents(tmp_path / "straight")


def test_a_torn_label_is_drawn_again(tmp_path: Path, small_batches: None) -> None:
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        make(RECIPE, SYNTHESIS, out, workers=1, progress=interrupt_after(2))
    part = out / PART
    part.write_bytes(part.read_bytes()[:-5])  # a crash in the middle of a write
    assert make(RECIPE, SYNTHESIS, out, workers=1).drawn == 40 - 15
    assert [text for text, _ in contents(out)] == [SYNTHESIS.generator.line(i).text for i in range(40)]


@as_lmdb
def test_appended_lines_are_new_ones_behind_the_old(tmp_path: Path, as_lmdb: bool) -> None:
    out = tmp_path / "out"
    make(RECIPE, SYNTHESIS, out, as_lmdb=as_lmdb, workers=1)
    before = contents(out)
    assert make(RECIPE, SYNTHESIS, out, as_lmdb=as_lmdb, append=True, workers=1).lines == 80
    after = contents(out)
    assert after[:40] == before
    assert after[40][0] == SYNTHESIS.generator.line(40).text
    assert [run.first for run in MadeRecord.read(out).runs] == [0, 40]


@as_lmdb
def test_an_interrupted_append_leaves_the_old_lines_and_goes_on(
    tmp_path: Path, as_lmdb: bool, small_batches: None
) -> None:
    out = tmp_path / "out"
    make(RECIPE, SYNTHESIS, out, as_lmdb=as_lmdb, workers=1)
    before = contents(out)
    with pytest.raises(KeyboardInterrupt):
        make(RECIPE, SYNTHESIS, out, as_lmdb=as_lmdb, append=True, workers=1, progress=interrupt_after(2))
    assert contents(out) == before
    assert make(RECIPE, SYNTHESIS, out, as_lmdb=as_lmdb, append=True, workers=1).lines == 80
    assert len({text for text, _ in contents(out)}) > 70


def test_a_crash_between_the_labels_and_their_end_adds_nothing_twice(tmp_path: Path) -> None:
    out = tmp_path / "out"
    make(RECIPE, SYNTHESIS, out, workers=1)
    old = (out / "labels.txt").read_bytes()
    make(RECIPE, SYNTHESIS, out, append=True, workers=1)
    new = (out / "labels.txt").read_bytes()
    # The state just before the part is removed and the run is noted as done.
    (out / PART).write_bytes(new[len(old) :])
    record = MadeRecord.read(out)
    undone = record.runs[1].model_copy(update={"is_done": False})
    MadeRecord(runs=(record.runs[0], undone)).write(out)
    assert make(RECIPE, SYNTHESIS, out, append=True, workers=1).lines == 80
    assert (out / "labels.txt").read_bytes() == new


def test_lines_are_appended_to_a_folder_of_the_users(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("a.png\tHus")  # without a line end
    assert make(RECIPE, SYNTHESIS, tmp_path, append=True, workers=1).lines == 41
    assert (tmp_path / "labels.txt").read_text().splitlines()[:2] == [
        "a.png\tHus",
        f"images/000/000000.png\t{SYNTHESIS.generator.line(0).text}",
    ]


@pytest.mark.parametrize(
    ("there", "options", "message"),
    [
        ("", {"append": True}, "no lines in .* to append to"),
        ("notes.txt", {}, "is not empty; choose another folder, or --append"),
        ("notes.txt", {"overwrite": True}, "is not empty; choose another folder$"),
        ("", {"append": True, "overwrite": True}, "exclude each other"),
        ("data.mdb", {"append": True}, "holds an LMDB; add --lmdb"),
        ("labels.txt", {"append": True}, "has no `path<TAB>text`"),
        ("labels.txt", {"append": True, "as_lmdb": True}, "holds image files; leave --lmdb out"),
    ],
)
def test_other_folders_are_left_alone(
    tmp_path: Path, there: str, options: dict[str, bool], message: str
) -> None:
    out = tmp_path / "out"
    if there:
        out.mkdir()
        (out / there).write_text("mine 1")
    with pytest.raises(InputError, match=message):
        make(RECIPE, SYNTHESIS, out, workers=1, **options)
    assert not there or [path.read_text() for path in out.iterdir()] == ["mine 1"]


def test_made_lines_are_replaced_only_when_asked(tmp_path: Path) -> None:
    make(RECIPE, SYNTHESIS, tmp_path / "out", workers=1)
    with pytest.raises(InputError, match="--append or --overwrite"):
        make(RECIPE, SYNTHESIS, tmp_path / "out", workers=1)
    fewer = RECIPE.model_copy(update={"lines": 5})
    made = make(fewer, fewer.build(Path()), tmp_path / "out", overwrite=True, as_lmdb=True, workers=1)
    assert made.lines == 5
    assert len(contents(tmp_path / "out")) == 5


def test_overwriting_stops_at_a_file_that_was_not_made(tmp_path: Path) -> None:
    make(RECIPE, SYNTHESIS, tmp_path / "out", workers=1)
    (tmp_path / "out" / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match=r"holds thesis.tex, which was not made here"):
        make(RECIPE, SYNTHESIS, tmp_path / "out", overwrite=True, workers=1)
    assert len(contents(tmp_path / "out")) == 40


def test_an_unfinished_run_is_not_continued_with_another_recipe(tmp_path: Path, small_batches: None) -> None:
    with pytest.raises(KeyboardInterrupt):
        make(RECIPE, SYNTHESIS, tmp_path / "out", workers=1, progress=interrupt_after(1))
    other = RECIPE.model_copy(update={"seed": 5})
    with pytest.raises(InputError, match="unfinished run of another recipe"):
        make(other, other.build(Path()), tmp_path / "out", workers=1)


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    (tmp_path / MADE_RECORD).write_text("{")
    with pytest.raises(InputError, match=r"cannot read .*made.json"):
        make(RECIPE, SYNTHESIS, tmp_path, workers=1)


def test_a_recipe_that_fails_too_often_ends_in_an_error(tmp_path: Path) -> None:
    class Unexpected:
        def text(self, index: int, rng: np.random.Generator) -> str:
            return "Nr 1" if index % 2 else "中"

    generator = type(SYNTHESIS.generator)(
        Unexpected(), SYNTHESIS.generator.fonts, SYNTHESIS.generator.profile
    )
    with pytest.raises(BarError, match="20 of 40 lines cannot be drawn; the first: no font"):
        make(RECIPE, type(SYNTHESIS)(generator, 40, ()), tmp_path / "out", workers=1)


def test_the_lmdb_keeps_no_trace_of_its_making(tmp_path: Path) -> None:
    make(RECIPE, SYNTHESIS, tmp_path / "out", as_lmdb=True, workers=1)
    with (
        lmdb.open(str(tmp_path / "out"), readonly=True, lock=False) as environment,
        environment.begin() as transaction,
    ):
        assert transaction.stat()["entries"] == 2 * 40 + 1
        assert transaction.get(b"num-samples") == b"40"
