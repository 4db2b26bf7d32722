"""Retraining from corrections: what is trained, what is compared, and what gets into service."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from ocrtune.bundle import Manifest, ModelBundle, write_bundle
from ocrtune.config import RetrainConfig, TrainConfig
from ocrtune.data.corrections import CorrectionStore, NewCorrection, State
from ocrtune.data.dataset import open_dataset
from ocrtune.data.groups import page_of
from ocrtune.errors import BarError, InputError
from ocrtune.evaluate.metrics import measure
from ocrtune.records import Image
from ocrtune.train.run import TrainResult
from ocrtune.workflows import retrain as workflow
from ocrtune.workflows.retrain import retrain
from ocrtune.workflows.service_client import ServedModel

PAGES, LINES = 12, 5


@pytest.fixture
def database(tmp_path: Path, draw_blocks: Callable[[str], Image]) -> Path:
    """Five accepted corrections of each of twelve pages."""
    path = tmp_path / "corrections.db"
    store = CorrectionStore(path, 999, 10**7)
    store.add([correction(page, line, draw_blocks) for page in range(PAGES) for line in range(LINES)])
    store.close()
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE corrections SET state = 'accepted'")
        db.commit()
    return path


def correction(page: int, line: int, draw_blocks: Callable[[str], Image]) -> NewCorrection:
    text = "".join("abc"[(page + line + i * i) % 3] for i in range(2 + line % 3))
    image = draw_blocks(text)
    box = ((0.0, 9.0 * line), (9.0, 9.0 * line), (9.0, 9.0 * line + 8), (0.0, 9.0 * line + 8))
    content = cv2.imencode(".png", image)[1].tobytes()
    return NewCorrection(
        f"{page:02}ab" * 16, 0, box, image.shape[1], 8, content, "x", 0.5, "d" * 64, text, None
    )


@pytest.fixture
def base(block_bundle: ModelBundle, tmp_path: Path) -> Path:
    """The block model, but it takes `a` for `c` and `c` for `a`."""
    exchange = {"a": "c", "c": "a"}
    symbols = tuple(exchange.get(symbol, symbol) for symbol in block_bundle.manifest.symbols)
    manifest = block_bundle.manifest.model_copy(update={"name": "swapped", "symbols": symbols})
    return bundle_like(block_bundle, tmp_path / "models" / "swapped", manifest)


def bundle_like(model: ModelBundle, path: Path, manifest: Manifest) -> Path:
    """A bundle of the same network under another manifest."""
    copy = path.with_suffix(".onnx")
    copy.parent.mkdir(exist_ok=True)
    shutil.copy(model.onnx_path, copy)  # it is moved into the bundle
    return write_bundle(path, manifest, {"none": np.zeros(1, np.float32)}, copy).path


class Training:
    """Stands in for the training: leaves a model in the run folder, or is interrupted."""

    def __init__(self, model: Path) -> None:
        self.model = model
        self.calls: list[tuple[TrainConfig, bool]] = []
        self.interrupts = False

    def __call__(self, config: TrainConfig, *, resume: bool = False) -> TrainResult:
        self.calls.append((config, resume))
        (config.output / "state").mkdir(parents=True, exist_ok=True)
        (config.output / "state" / "state.pt").touch()
        best = config.output / "best"
        shutil.copytree(self.model, best, dirs_exist_ok=True)
        stopped = signal.SIGINT if self.interrupts else None
        return TrainResult(config.output, best, measure([("a", "a")]), stopped=stopped)


@pytest.fixture
def training(block_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch) -> Training:
    """A training that finds the block model, which reads all right."""
    stand_in = Training(block_bundle.path)
    monkeypatch.setattr(workflow, "train", stand_in)
    return stand_in


class Service:
    """Stands in for the client of a service."""

    def __init__(self, base: Path) -> None:
        self.models = base.parent
        self.name = base.name
        self.asked: list[str] = []

    def active(self) -> ServedModel:
        return ServedModel(self.name, ModelBundle.open(self.models / self.name).manifest.digest)

    def activate(self, name: str, digest: str) -> None:
        assert ModelBundle.open(self.models / name).manifest.digest == digest
        self.asked.append(name)
        self.name = name


@pytest.fixture
def service(base: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    stand_in = Service(base)
    monkeypatch.setattr(workflow, "ServiceClient", lambda url, token: stand_in)
    return stand_in


@pytest.fixture
def config(
    database: Path, base: Path, tmp_path: Path, block_lines: Path, service: Service
) -> Callable[..., RetrainConfig]:
    """The options, with changes."""

    def build(**changes: Any) -> RetrainConfig:
        options: dict[str, Any] = {
            "from_corrections": database, "output": tmp_path / "out", "models": base.parent,
            "service": "http://localhost:5000", "guard": (str(block_lines),),
        }  # fmt: skip
        return RetrainConfig.model_validate(options | changes)

    return build


def test_a_better_model_is_put_into_service_once(
    config: Callable[..., RetrainConfig], training: Training, service: Service, base: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    place = retrain(config(), report=said.append)
    digest = ModelBundle.open(place).manifest.digest
    assert place == base.parent / f"corrections-{digest[:8]}"
    assert service.asked == [place.name]
    (wanted, resume), *_ = training.calls
    assert (wanted.base, wanted.vocab, resume) == (str(base), "keep", False)
    sides = [
        open_dataset(str(tmp_path / "out" / "split" / f"{side}.txt")) for side in ("train", "val", "test")
    ]
    pages = [{page_of(entry.id) for entry in side.entries} for side in sides]
    assert sum(map(len, sides)) == PAGES * LINES
    assert sum(map(len, pages)) == len(set.union(*pages)) == PAGES
    assert wanted.train == (str(tmp_path / "out" / "split" / "train.txt"),)
    kept = next(line for line in said if line.startswith("kept back: "))
    assert f"{len(sides[2])} lines; exact match " in kept
    assert " -> 100.0%, CER " in kept
    record = json.loads((tmp_path / "out" / "retrain.json").read_text(encoding="utf-8"))
    assert [each["data"] for each in record["found"]] == ["kept back", f"guard {tmp_path / 'lines'}"]

    said.clear()
    assert retrain(config(), report=said.append) == place  # the same command again
    assert len(training.calls) == 1
    assert service.asked == [place.name]
    assert said[-1] == "http://localhost:5000 reads with it already"


def test_too_few_corrections_leave_all_as_it_is(
    config: Callable[..., RetrainConfig], training: Training, database: Path, tmp_path: Path
) -> None:
    store = CorrectionStore(database, 999, 10**7)
    store.review(1, State.WAITING, None, None)
    store.review(2, State.REJECTED, None, None)
    store.close()
    with pytest.raises(BarError, match=r"has 58 corrections to train on, under --min 60; 1 wait for review"):
        retrain(config(min_lines=60), report=print)
    assert not (tmp_path / "out").exists()
    with pytest.raises(BarError, match="has 59 corrections"):
        retrain(config(min_lines=60, all=True), report=print)
    assert training.calls == []


def test_a_model_that_is_no_better_stays_where_it_is(
    config: Callable[..., RetrainConfig], training: Training, service: Service, base: Path, tmp_path: Path
) -> None:
    training.model = base
    for _ in range(2):
        with pytest.raises(BarError, match="no better than the model before"):
            retrain(config(), report=print)
    assert len(training.calls) == 1
    assert service.asked == []
    assert [path.name for path in base.parent.iterdir()] == ["swapped"]


def test_a_model_that_forgets_stays_where_it_is(
    config: Callable[..., RetrainConfig],
    training: Training,
    service: Service,
    tmp_path: Path,
    draw_blocks: Callable[[str], Image],
) -> None:
    guard = tmp_path / "guard"
    guard.mkdir()
    for number in range(4):
        cv2.imwrite(str(guard / f"{number}.png"), draw_blocks("a" if number else "b"))
    labels = "".join(f"{number}.png\t{'c' if number else 'b'}\n" for number in range(4))  # as the base reads
    (guard / "labels.txt").write_text(labels, encoding="utf-8")
    with pytest.raises(BarError, match=r"it loses 75\.0% on .*guard, over --max-drop 0\.7"):
        retrain(config(guard=(str(guard),), max_drop=0.7), report=print)
    assert service.asked == []
    retrain(config(guard=(str(guard),), max_drop=0.75, output=tmp_path / "other"), report=print)
    assert len(service.asked) == 1


def test_an_interrupted_training_goes_on_with_the_lines_it_began_with(
    config: Callable[..., RetrainConfig],
    training: Training,
    service: Service,
    database: Path,
    draw_blocks: Callable[[str], Image],
) -> None:
    training.interrupts = True
    with pytest.raises(KeyboardInterrupt):
        retrain(config(), report=print)
    assert service.asked == []
    store = CorrectionStore(database, 999, 10**7)
    (new,) = store.add([correction(90, 0, draw_blocks)])
    store.review(new.id, State.ACCEPTED, None, None)
    store.close()
    training.interrupts = False
    said: list[str] = []
    retrain(config(), report=said.append)
    assert [resume for _, resume in training.calls] == [False, True]
    assert said[0].endswith("61 corrections, 61 of them taken")
    assert said[1].startswith("going on with the corrections that this began with")
    assert len(service.asked) == 1
    with pytest.raises(InputError, match="was made with other corrections; choose another name"):
        retrain(config(), report=print)
    with pytest.raises(InputError, match="was made with other corrections, seed; choose another name"):
        retrain(config(seed=5), report=print)


def test_better_is_better_than_what_is_in_service(
    config: Callable[..., RetrainConfig],
    training: Training,
    service: Service,
    block_bundle: ModelBundle,
    tmp_path: Path,
) -> None:
    with pytest.raises(InputError, match=r"reads with swapped .* give the former as --base"):
        retrain(config(base=str(block_bundle.path)), report=print)
    assert training.calls == []

    other = block_bundle.manifest.model_copy(update={"name": "other"})
    bundle_like(block_bundle, service.models / "other", other)
    training_itself = workflow.train

    def train_while_somebody_switches(wanted: TrainConfig, *, resume: bool = False) -> TrainResult:
        service.name = "other"
        return training_itself(wanted, resume=resume)

    workflow.train = train_while_somebody_switches  # `training` puts the real one back
    with pytest.raises(BarError, match="reads with other by now"):
        retrain(config(), report=print)
    assert service.asked == []


def test_a_gain_that_may_be_chance_is_not_taken_where_that_is_asked_for(
    config: Callable[..., RetrainConfig], training: Training, service: Service, tmp_path: Path
) -> None:
    place = retrain(config(sure=True), report=print)
    assert service.asked == [place.name]
    found = json.loads((tmp_path / "out" / "retrain.json").read_text(encoding="utf-8"))["found"][0]
    assert found["chance"] < 0.05
    assert found["fixed"] >= 6


def test_without_a_service_the_model_is_only_named(
    config: Callable[..., RetrainConfig], training: Training, base: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    options = {"service": None, "models": None, "guard": (), "base": str(base)}
    assert retrain(config(**options), report=said.append) == tmp_path / "out" / "run" / "best"
    assert said[-1].endswith(f"serve it with: ocrtune serve -m {tmp_path / 'out' / 'run'}")


def test_lines_of_too_few_pages_are_kept_back_one_by_one(
    config: Callable[..., RetrainConfig],
    training: Training,
    tmp_path: Path,
    draw_blocks: Callable[[str], Image],
) -> None:
    path = tmp_path / "two-pages.db"
    store = CorrectionStore(path, 999, 10**7)
    store.add([correction(page, line, draw_blocks) for page in range(2) for line in range(10)])
    store.close()
    said: list[str] = []
    retrain(config(from_corrections=path, all=True, min_lines=20), report=said.append)
    assert any("come from 2 pages, too few" in line and "flatters" in line for line in said)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"guard": ()}, "--service needs --guard"),
        ({"models": None}, "--service needs --models"),
        ({"steps": 1, "epochs": 1}, "exclude each other"),
    ],
)
def test_contradictions_are_refused(
    config: Callable[..., RetrainConfig], changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        config(**changes)


def test_only_a_retraining_is_overwritten(
    config: Callable[..., RetrainConfig], training: Training, service: Service, tmp_path: Path, base: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("years of work", encoding="utf-8")
    for overwrite in (False, True):
        with pytest.raises(InputError, match="is no folder of a retraining"):
            retrain(config(overwrite=overwrite), report=print)
    assert (out / "thesis.txt").is_file()
    (out / "thesis.txt").unlink()
    training.model = base
    with pytest.raises(BarError):
        retrain(config(), report=print)
    with pytest.raises(InputError, match="would delete --base"):
        retrain(config(overwrite=True, base=str(out / "run"), service=None), report=print)
    with pytest.raises(BarError):
        retrain(config(overwrite=True), report=print)
    assert len(training.calls) == 2
