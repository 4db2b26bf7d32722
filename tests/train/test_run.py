"""Whole runs on tiny networks and drawn digits: what is left on disk, stopping, resuming, refusing."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from tests.train.conftest import write_lines

from ocrtune.bundle import ModelBundle
from ocrtune.config import TrainConfig
from ocrtune.convert.from_checkpoint import opened_base
from ocrtune.data.dataset import MADE_RECORD, open_dataset
from ocrtune.errors import BarError, InputError
from ocrtune.models.four_stage import FEATURES
from ocrtune.reading.models import find_model
from ocrtune.reading.recognizer import OnnxRecognizer
from ocrtune.records import Image
from ocrtune.train import recipe
from ocrtune.train.material import OpenedSets, prepare
from ocrtune.train.run import train

LINES = 24
"""Of the fixture `digit_lines`."""


def config(lines: Path, tiny: Path, output: Path, **changes: object) -> TrainConfig:
    """Two short epochs on one thread's worth of work."""
    options: dict[str, object] = {
        "train": (str(lines),),
        "output": output,
        "base": str(tiny),
        "epochs": 2,
        "batch_size": 2,
        "max_bad": 0.2,
        "lr": 1e-3,
    }
    return TrainConfig.model_validate(options | changes)


def files(folder: Path) -> set[str]:
    """All files below a folder, by relative path."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


BUNDLE = {"model.json", "model.onnx", "weights.safetensors"}
RUN = {"config.yaml", "recipe.json", "metrics.jsonl", "curves.png", "skipped.tsv", "state/state.pt"}


def test_a_run_leaves_exactly_these_files_and_a_bundle_that_reads(
    digit_lines: Path, tiny_base: Path, tmp_path: Path
) -> None:
    result = train(config(digit_lines, tiny_base, tmp_path / "run"))
    bundles = {f"{name}/{file}" for name in ("best", "last") for file in BUNDLE}
    found = files(tmp_path / "run")
    (events,) = (name for name in found if name.startswith("tensorboard/events.out.tfevents."))
    assert found == RUN | bundles | {events}
    assert not result.stopped
    rows = [json.loads(row) for row in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [0.0, 1.0, 2.0]
    assert rows[0]["loss"] is None  # step 0: scored, not trained
    # On the same lines each time, unlike the training loss, whose changes are drawn anew.
    assert rows[2]["val_loss"] < rows[1]["val_loss"] < rows[0]["val_loss"]
    best = find_model(tmp_path / "run")
    assert best.bundle is not None
    best.bundle.verify()
    assert best.manifest.parent == ModelBundle.open(tiny_base).manifest.digest
    assert best.manifest.metrics["val"]["cer"] == result.metrics.cer
    assert set(best.manifest.symbols) == {chr(code) for code in range(0x20, 0x7F)}
    blank = np.full((32, 60), 255, np.uint8)
    read = OnnxRecognizer(best.manifest, best.onnx_path).recognize([blank])
    assert len(read) == 1


@pytest.mark.slow
def test_training_ends_on_real_lines(
    tmp_path: Path, tiny_base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of 12 real lines and 12 made ones, all with digits that the real ones teach, the last epoch has 12."""
    real, made = (write_lines(tmp_path / name, ["01", "10"] * 6) for name in ("real", "made"))
    (made / MADE_RECORD).write_text('{"runs": []}')
    options = {"train": (str(real), str(made)), "val": (str(real),), "epochs": 4, "batch_size": 1}
    train(config(real, tiny_base, tmp_path / "run", **options))
    rows = [json.loads(row) for row in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == pytest.approx([0, 1, 2, 3, 4], abs=0.3)  # some visits are drawn
    steps = np.diff([row["step"] for row in rows])
    assert steps[0] > 2 * steps[3]
    position = find_model(tmp_path / "run" / "last").manifest.training["position"]
    assert isinstance(position, dict)
    assert position["visits"] == pytest.approx(4 * 24, abs=8)
    assert "12 made lines come 2.0 times as often as on average in the first epoch" in capsys.readouterr().out


def test_a_few_made_lines_take_no_visits_from_real_ones(tmp_path: Path, tiny_base: Path) -> None:
    """1,200 visits of real lines are nine epochs, of all 2,160 lines together only eight."""
    real, made = (write_lines(tmp_path / name, ["01", "10"] * n) for name, n in (("real", 15), ("made", 6)))
    (made / MADE_RECORD).write_text('{"runs": []}')
    sources = (f"{real}@40", f"{made}@80")
    options = config(real, tiny_base, tmp_path / "run", train=sources, val=(str(real),), epochs=None)
    with opened_base(str(tiny_base), None, None, print) as base:
        start, lines = prepare(options, print, base)
    chosen = recipe.choose(options, start.network, start.spec, lines, "cpu")
    assert (chosen.epochs, chosen.visits) == (9, 9 * 2160)


@pytest.mark.slow
def test_best_is_never_worse_than_step_0(digit_lines: Path, tiny_base: Path, tmp_path: Path) -> None:
    """A rate that wrecks the network: `best` stays what was scored before the first step."""
    train(config(digit_lines, tiny_base, tmp_path / "run", lr=0.9))
    rows = [json.loads(row) for row in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    best = ModelBundle.open(tmp_path / "run/best").manifest
    scores = [(row["val_cer"], -row["val_exact_match"], row["val_loss"]) for row in rows]
    assert best.training["position"]["step"] == rows[scores.index(min(scores))]["step"]


def test_a_run_that_diverges_says_so_and_keeps_what_was_good(
    digit_lines: Path, tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was once reported as an export that differs."""
    monkeypatch.setattr("ocrtune.train.step.per_symbol", lambda loss, lengths: loss * float("nan"))
    with pytest.raises(
        BarError,
        match=r"diverged: the loss of \S*labels\.txt:\d+, .* in batch 1 is nan; .* --lr below 0\.001",
    ):
        train(config(digit_lines, tiny_base, tmp_path / "run"))
    ModelBundle.open(tmp_path / "run/best").verify()


def test_a_gpu_that_is_not_there_is_an_error(
    digit_lines: Path, tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(
        InputError, match="--device cuda: this PyTorch sees no CUDA device; use --device cpu or auto"
    ):
        train(config(digit_lines, tiny_base, tmp_path / "run", device="cuda"))
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_batches_added_up_give_the_losses_of_larger_ones(
    digit_lines: Path, tiny_base: Path, tmp_path: Path
) -> None:
    losses = []
    for number, sizes in enumerate(({"batch_size": 4}, {"batch_size": 2, "accumulate": 2})):
        train(config(digit_lines, tiny_base, tmp_path / str(number), **sizes))
        rows = (tmp_path / str(number) / "metrics.jsonl").read_text().splitlines()
        losses.append([json.loads(row)[name] for row in rows[1:] for name in ("step", "loss", "val_loss")])
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


@pytest.mark.slow
def test_bf16_and_channels_last_train_to_a_model_that_reads_alike(
    digit_lines: Path, tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What CPUs with bf16 instructions and GPUs train in; every save replays it in float32."""
    monkeypatch.setattr(recipe, "probe_speeds", lambda *_: [recipe.Speed("bf16", True, 100.0)])
    result = train(config(digit_lines, tiny_base, tmp_path / "run"))
    losses = [
        json.loads(row)["val_loss"] for row in (tmp_path / "run/metrics.jsonl").read_text().splitlines()
    ]
    assert losses[2] < losses[0]
    assert ModelBundle.open(result.best).manifest.training["recipe"]["precision"] == "bf16"


def test_the_first_layers_of_a_base_stay_as_they_are(
    digit_lines: Path, tiny_base: Path, tmp_path: Path
) -> None:
    train(config(digit_lines, tiny_base, tmp_path / "run", epochs=1))
    before, after = (load_file(path / "weights.safetensors") for path in (tiny_base, tmp_path / "run/last"))
    same = {name for name in before if name in after and np.array_equal(before[name], after[name])}
    early = {name for name in before if name.startswith(FEATURES["vgg"][2])}
    assert early
    assert {name for name in same if not name.startswith("features.")} == set()
    assert early <= same
    assert "features.6.weight" not in same  # the next layer moves


@pytest.mark.parametrize(("augment", "extra_padding"), [("none", 0), ("light", 50)])
def test_no_augmentation_means_no_random_padding_either(
    digit_lines: Path, tiny_base: Path, tmp_path: Path, augment: str, extra_padding: int
) -> None:
    settings = config(digit_lines, tiny_base, tmp_path / "run", augment=augment)
    start, lines = prepare(settings, lambda text: None)
    chosen = recipe.choose(settings, start.network, start.spec, lines, "cpu")
    assert chosen.extra_padding == extra_padding


def test_several_processes_make_the_choices_of_one(
    digit_lines: Path, tiny_base: Path, tmp_path: Path
) -> None:
    """They share each batch, so they take as many steps, at the same rates, in half of the time."""
    settings = config(digit_lines, tiny_base, tmp_path / "run", epochs=None, steps=10)
    start, lines = prepare(settings, lambda text: None)
    one, two = (
        recipe.choose(settings, start.network, start.spec, lines, "cpu", processes) for processes in (1, 2)
    )
    assert two.estimated_seconds == one.estimated_seconds / 2
    assert two.model_copy(update={"estimated_seconds": one.estimated_seconds}) == one


def test_batches_that_are_added_up_are_one_larger_batch(
    digit_lines: Path, tiny_base: Path, tmp_path: Path
) -> None:
    settings = config(digit_lines, tiny_base, tmp_path / "run")
    start, lines = prepare(settings, lambda text: None)
    added, whole = (
        recipe.choose(settings.model_copy(update=sizes), start.network, start.spec, lines, "cpu")
        for sizes in ({"batch_size": 2, "accumulate": 3}, {"batch_size": 6})
    )
    assert added.model_copy(update={"accumulate": 1}) == whole


def same_weights(a: Path, b: Path) -> bool:
    """Whether two bundles hold the same weights, bit for bit."""
    left, right = (load_file(path / "weights.safetensors") for path in (a, b))
    return left.keys() == right.keys() and all(np.array_equal(left[n], right[n]) for n in left)


def test_a_stopped_run_resumes_to_the_result_of_a_straight_one(
    digit_lines: Path, tiny_base: Path, tmp_path: Path
) -> None:
    train(config(digit_lines, tiny_base, tmp_path / "straight"), augment=_unchanged)
    seen = 0

    def interrupting(image: Image, generator: np.random.Generator) -> Image:
        nonlocal seen
        seen += 1
        if seen == LINES + 8:  # in the second epoch
            os.kill(os.getpid(), signal.SIGINT)
        return image

    stopped = train(config(digit_lines, tiny_base, tmp_path / "stopped"), augment=interrupting)
    assert stopped.stopped
    resumed = train(TrainConfig(output=tmp_path / "stopped"), resume=True, augment=_unchanged)
    assert not resumed.stopped
    assert same_weights(tmp_path / "straight/last", tmp_path / "stopped/last")
    assert resumed.metrics == train_metrics(tmp_path / "straight")


@pytest.mark.slow
def test_a_run_that_died_resumes_from_its_last_epoch(
    digit_lines: Path, tiny_base: Path, tmp_path: Path
) -> None:
    train(config(digit_lines, tiny_base, tmp_path / "straight"), augment=_unchanged)
    seen = 0

    def dying(image: Image, generator: np.random.Generator) -> Image:
        nonlocal seen
        seen += 1
        if seen > LINES + 2:
            raise MemoryError("killed in the second epoch")
        return image

    with pytest.raises(MemoryError):
        train(config(digit_lines, tiny_base, tmp_path / "died"), augment=dying)
    train(TrainConfig(output=tmp_path / "died"), resume=True, augment=_unchanged)
    assert same_weights(tmp_path / "straight/last", tmp_path / "died/last")
    rows = [json.loads(row) for row in (tmp_path / "died/metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [0.0, 1.0, 2.0]


def _unchanged(image: Image, generator: np.random.Generator) -> Image:
    return image


def train_metrics(run: Path) -> object:
    """The metrics of a finished run's best, measured again."""
    from ocrtune.train.material import prepare
    from ocrtune.train.opening import read_all

    stored = TrainConfig.from_yaml(run / "config.yaml")
    _, prepared = prepare(stored, lambda text: None)
    best = ModelBundle.open(run / "best")
    return read_all(OnnxRecognizer(best.manifest, best.onnx_path), prepared.val)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"train": ("nowhere",)}, InputError, "nowhere"),
        ({"base": "nothing"}, InputError, "there is no model 'nothing'"),
        ({"vocab": "missing.txt"}, InputError, r"missing\.txt"),
        ({"time_stride": 4}, InputError, "ppocrv6-small only"),
        ({"device": "cuda"}, InputError, "no CUDA device"),
    ],
)
def test_wrong_input_is_refused_before_anything_is_written(
    digit_lines: Path, tiny_base: Path, tmp_path: Path, changes: dict[str, object], error: type, message: str
) -> None:
    if "device" in changes and torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    with pytest.raises(error, match=message):
        train(config(digit_lines, tiny_base, tmp_path / "run", **changes))
    assert not (tmp_path / "run").exists()


def test_a_charset_file_makes_labels_outside_it_rejects(
    digit_lines: Path, tiny_base: Path, tmp_path: Path
) -> None:
    (tmp_path / "few.txt").write_text("012345678", encoding="utf-8")
    with pytest.raises(BarError, match="--max-bad"):
        train(config(digit_lines, tiny_base, tmp_path / "run", vocab=str(tmp_path / "few.txt"), max_bad=0.02))


def test_a_folder_with_other_things_is_never_touched(
    digit_lines: Path, tiny_base: Path, tmp_path: Path
) -> None:
    (tmp_path / "thesis.tex").write_text("years of work", encoding="utf-8")
    with pytest.raises(InputError, match="not empty and not a run"):
        train(config(digit_lines, tiny_base, tmp_path, overwrite=True))
    assert files(tmp_path) == {"thesis.tex"}


@pytest.mark.slow
def test_letters_read_in_either_case_stay_so_in_the_next_training(
    digit_lines: Path, tiny_base: Path, tmp_path: Path
) -> None:
    (tmp_path / "capitals.txt").write_text("0123456789 AB", encoding="utf-8")
    options = {"vocab": str(tmp_path / "capitals.txt"), "epochs": 1}
    for name, base in (("first", tiny_base), ("second", tmp_path / "first")):
        train(config(digit_lines, base, tmp_path / name, **options))
        best = ModelBundle.open(tmp_path / name / "best")
        assert best.manifest.symbols == tuple("0123456789 AB")
        assert best.manifest.architecture.options["second_looks"] == (12, 13)
        assert best.load_weights()["head.weight"].shape[0] == 16


@pytest.mark.slow
def test_resuming_with_another_option_is_refused(digit_lines: Path, tiny_base: Path, tmp_path: Path) -> None:
    train(config(digit_lines, tiny_base, tmp_path / "run", epochs=1))
    with pytest.raises(InputError, match="--batch-size 4 differs"):
        train(TrainConfig(output=tmp_path / "run", batch_size=4), resume=True)


@pytest.mark.slow
def test_a_corrupt_best_is_named_when_training_starts_from_it(
    digit_lines: Path, tiny_base: Path, tmp_path: Path
) -> None:
    train(config(digit_lines, tiny_base, tmp_path / "run", epochs=1))
    weights = tmp_path / "run/best/weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(InputError, match="damaged"):
        train(config(digit_lines, tmp_path / "run", tmp_path / "next"))


@pytest.mark.slow
def test_lines_that_are_open_already_need_no_path(digit_lines: Path, tiny_base: Path, tmp_path: Path) -> None:
    """As when each model learns from some lines of a set only; the charset gets the symbols of others."""
    dataset = open_dataset(str(digit_lines))
    sets = OpenedSets(
        train=(dataset.select(range(16)),),
        val=(dataset.select(range(16, 20)),),
        digests={dataset.name: dataset.digest},
        other_texts=("B",),
    )
    result = train(config(digit_lines, tiny_base, tmp_path / "run", train=(), epochs=1), sets=sets)
    manifest = ModelBundle.open(result.best).manifest
    assert manifest.data == {dataset.name: dataset.digest}
    assert result.metrics.lines == 4
    assert "B" in manifest.symbols
