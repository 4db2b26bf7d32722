"""Who judges: never a model that has learnt the labels without the user being told."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ocrtune.bundle import ModelBundle, write_bundle
from ocrtune.data.dataset import open_dataset
from ocrtune.errors import InputError
from ocrtune.evaluate import judging
from ocrtune.evaluate.judging import choose_epochs, plan_judging
from ocrtune.evaluate.trained_on import TrainedOn, trained_on
from ocrtune.reading.models import BASE


def tuned(
    bundle: ModelBundle, folder: Path, train: dict[str, str], *, base: str = BASE, parent: str | None = None,
    val: dict[str, str] | None = None,
) -> ModelBundle:  # fmt: skip
    """A copy of a bundle whose manifest says that it was trained: names of sets and their digests."""
    manifest = bundle.manifest.model_copy(
        update={
            "data": {**train, **(val or {})},
            "parent": parent,
            "training": {"config": {"train": list(train), "val": list(val or {}), "base": base}},
        }
    )
    copy = folder.with_name("model.onnx")
    shutil.copy(bundle.onnx_path, copy)
    return write_bundle(folder, manifest, bundle.load_weights(), copy)


def test_labels_are_known_by_their_digest_wherever_they_are_now(
    block_bundle: ModelBundle, block_lines: Path, tmp_path: Path
) -> None:
    dataset = open_dataset(str(block_lines))
    model = tuned(block_bundle, tmp_path / "tuned", {"/gone/lines": dataset.digest})
    known = trained_on(model.manifest, [dataset])
    assert known == TrainedOn(4, 4, ("/gone/lines",))
    assert known.summary("tuned") == (
        "tuned has trained on 4 of these 4 lines; /gone/lines is not there any more, so it may be more"
    )


def test_images_are_known_by_their_place_though_labels_were_mended(
    block_bundle: ModelBundle, block_lines: Path, tmp_path: Path
) -> None:
    model = tuned(block_bundle, tmp_path / "tuned", {str(block_lines): "of the labels as they were"})
    some = tmp_path / "some.txt"
    some.write_text("lines/0.png\tABC\nlines/3.png\tc\n", encoding="utf-8")
    assert trained_on(model.manifest, [open_dataset(str(some))]) == TrainedOn(2, 2, ())


def test_lines_that_only_validated_are_not_learnt(
    block_bundle: ModelBundle, block_lines: Path, tmp_path: Path
) -> None:
    dataset = open_dataset(str(block_lines))
    model = tuned(block_bundle, tmp_path / "tuned", {}, val={str(block_lines): dataset.digest})
    known = trained_on(model.manifest, [dataset])
    assert known == TrainedOn(0, 4, ())
    assert known.summary("tuned") is None


def test_what_a_base_has_learnt_its_heirs_know(
    block_bundle: ModelBundle, block_lines: Path, tmp_path: Path
) -> None:
    dataset = open_dataset(str(block_lines))
    first = tuned(block_bundle, tmp_path / "first", {str(block_lines): dataset.digest})
    names = {"base": str(tmp_path / "first"), "parent": first.manifest.digest}
    heir = tuned(block_bundle, tmp_path / "heir", {}, **names)  # type: ignore[arg-type]
    assert trained_on(heir.manifest, [dataset]) == TrainedOn(4, 4, ())
    shutil.rmtree(tmp_path / "first")
    known = trained_on(heir.manifest, [dataset])
    assert known == TrainedOn(0, 4, (str(tmp_path / "first"),))
    assert "whether heir has trained on these lines cannot be told" in str(known.summary("heir"))


def test_the_base_has_learnt_none(block_lines: Path) -> None:
    datasets = [open_dataset(str(block_lines))]
    plan = plan_judging(None, datasets, None, can_train=True)
    assert (plan.model, plan.folds) == (BASE, 1)
    assert plan.notes == (f"4 lines are too few to train judges on, so {BASE} judges as it is",)


@pytest.mark.parametrize(
    ("can_train", "folds", "note"), [(True, 2, None), (False, 1, "pip install 'ocrtune[train]'")]
)
def test_judges_are_trained_where_they_can_be(
    can_train: bool, folds: int, note: str | None, block_lines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "LEAST_LINES", 4)
    plan = plan_judging(None, [open_dataset(str(block_lines))], None, can_train=can_train)
    assert (plan.model, plan.folds) == (BASE, folds)
    assert plan.notes == () if note is None else note in plan.notes[0]


def test_a_model_that_has_learnt_the_lines_does_not_judge_them_unless_told_to(
    block_bundle: ModelBundle, block_lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "LEAST_LINES", 4)
    datasets = [open_dataset(str(block_lines))]
    model = str(tmp_path / "tuned")
    tuned(block_bundle, tmp_path / "tuned", {str(block_lines): datasets[0].digest})
    said = f"{model} has trained on 4 of these 4 lines"
    plan = plan_judging(model, datasets, None, can_train=True)
    assert (plan.model, plan.folds) == (BASE, 2)
    assert plan.notes == (f"{said}; judges that have not are trained from {BASE}",)
    for folds, can_train, chosen in ((1, True, 1), (3, True, 3), (None, False, 1)):
        plan = plan_judging(model, datasets, folds, can_train=can_train)
        assert (plan.model, plan.folds) == (model, chosen)
        assert plan.notes[-1].startswith(f"Warning: {said}: it has learnt their mistakes")


def test_a_model_that_has_not_judges_as_it_is(block_onnx: Path, block_lines: Path) -> None:
    plan = plan_judging(str(block_onnx), [open_dataset(str(block_lines))], None, can_train=True)
    assert (plan.model, plan.folds) == (str(block_onnx), 1)
    with pytest.raises(InputError, match="--folds 0: give 1"):
        plan_judging(str(block_onnx), [], 0, can_train=True)


@pytest.mark.parametrize(("lines", "epochs"), [(100_000, 1), (5400, 2), (1100, 9), (250, 10)])
def test_few_lines_are_shown_more_often(lines: int, epochs: int) -> None:
    assert choose_epochs(lines) == epochs
