"""The loop with its real parts: a service, corrections over its API, a training, another model in service."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import httpx2
import numpy as np
import pytest
import torch

from ocrtune.bundle import Architecture, Manifest, ModelBundle, Option, write_bundle
from ocrtune.charset import Charset
from ocrtune.cli import main
from ocrtune.config import TrainConfig
from ocrtune.convert.onnx_export import export_onnx
from ocrtune.data.corrections import CorrectionStore, NewCorrection
from ocrtune.evaluate.metrics import measure
from ocrtune.models import build
from ocrtune.records import Image
from ocrtune.train.fresh import fresh_spec
from ocrtune.train.run import TrainResult
from ocrtune.workflows import retrain as workflow

pytestmark = pytest.mark.slow

PAGES, LINES = 12, 5


@contextmanager
def serve(*options: str | Path) -> Iterator[str]:
    """The address of a service with these options."""
    command = [sys.executable, "-m", "ocrtune", "serve", "--port", "0", *map(str, options)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        try:
            assert first.startswith("http://"), first
            yield first.split()[0]
        finally:
            process.terminate()


def text_of(page: int, line: int) -> str:
    return "".join("abc"[(page + line + i * i) % 3] for i in range(5))


def test_a_running_service_gets_a_better_model(
    tmp_path: Path,
    block_bundle: ModelBundle,
    draw_blocks: Callable[[str], Image],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """It takes `a` for `c` until people have corrected that; the training itself is a stand-in."""
    exchange = {"a": "c", "c": "a"}
    symbols = tuple(exchange.get(symbol, symbol) for symbol in block_bundle.manifest.symbols)
    swapped = block_bundle.manifest.model_copy(update={"name": "swapped", "symbols": symbols})
    models = tmp_path / "models"
    models.mkdir()
    shutil.copy(block_bundle.onnx_path, tmp_path / "swapped.onnx")
    base = write_bundle(
        models / "swapped", swapped, {"none": np.zeros(1, np.float32)}, tmp_path / "swapped.onnx"
    )

    def train(config: TrainConfig, *, resume: bool = False) -> TrainResult:
        best = config.output / "best"
        shutil.copytree(block_bundle.path, best)
        return TrainResult(config.output, best, measure([("a", "a")]), stopped=None)

    monkeypatch.setattr(workflow, "train", train)
    database, out = tmp_path / "corrections.db", str(tmp_path / "out")
    with (
        serve("-m", base.path, "--models", models, "--collect", database) as url,
        httpx2.Client(base_url=url, timeout=600, trust_env=False) as client,
    ):
        line = cv2.imencode(".png", draw_blocks("abc"))[1].tobytes()
        read = client.post("/api/ocr?mode=line", files={"image": ("line.png", line)}).json()
        assert read["text"][0]["text"] == "cba"
        for page in range(PAGES):
            rows = [draw_blocks(text_of(page, line)) for line in range(LINES)]
            image = np.concatenate([*rows, np.full((8, 40), page, np.uint8)])  # no two are the same file
            lines = [
                {
                    "text": text_of(page, line), "reading": "?", "confidence": 0.5,
                    "box": [[0, 8 * line], [40, 8 * line], [40, 8 * line + 8], [0, 8 * line + 8]],
                }
                for line in range(LINES)
            ]  # fmt: skip
            content = base64.b64encode(cv2.imencode(".png", image)[1].tobytes()).decode()
            sent = {"image": content, "digest": read["digest"], "lines": lines}
            assert client.post("/api/corrections", json=sent).status_code == 201
        assert main(["retrain", "--from-corrections", str(database), "-o", out]) == 1
        assert "has 0 corrections to train on, under --min 50; 60 wait for review" in capfd.readouterr().err
        for number in range(1, PAGES * LINES + 1):
            assert client.patch(f"/api/corrections/{number}", json={"state": "accepted"}).status_code == 200
        guard = str(tmp_path / "guard")
        assert main(["data", "import", "--corrections", str(database), "-o", guard]) == 0
        command = ["retrain", "--from-corrections", str(database), "-o", out, "--guard", guard]
        command += ["--models", str(models), "--service", url]
        assert main(command) == 0
        read = client.post("/api/ocr?mode=line", files={"image": ("line.png", line)}).json()
        assert read["text"][0]["text"] == "abc"
        assert read["model"].startswith("corrections-")
        assert main(command) == 0  # again, and nothing is left to do
        assert capfd.readouterr().out.splitlines()[-1] == f"{url} reads with it already"


def test_a_real_training_that_is_too_short_changes_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    database = tmp_path / "corrections.db"
    store = CorrectionStore(database, 999, 10**7)
    box = ((0.0, 0.0), (90.0, 0.0), (90.0, 32.0), (0.0, 32.0))
    for page in range(20):
        image = np.full((32, 90), 255, np.uint8)
        cv2.putText(image, f"{page:02}1", (8, 25), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 0, 2)
        content = cv2.imencode(".png", image)[1].tobytes()
        store.add(
            [
                NewCorrection(
                    f"{page:02}ab" * 16, 0, box, 90, 32, content, "?", 0.5, "d" * 64, f"{page:02}1", None
                )
            ]
        )
    store.close()
    base, models = make_base(tmp_path), tmp_path / "models"
    models.mkdir()
    command = [
        "retrain", "--from-corrections", str(database), "--all", "--min", "20", "-o", str(tmp_path / "out"),
        "--base", str(base), "--models", str(models), "--steps", "2", "--device", "cpu",
    ]  # fmt: skip
    assert main(command) == 1
    said = capfd.readouterr()
    assert "kept back: " in said.out
    assert "the new model is not put into service: it reads the lines kept back no better" in said.err
    assert list(models.iterdir()) == []
    assert ModelBundle.open(tmp_path / "out" / "run" / "best").manifest.parent is not None
    rows = (tmp_path / "out" / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(row)["step"] for row in rows][-1] == 2
    assert main(command) == 1  # again: nothing is trained
    assert "step 0" not in capfd.readouterr().out


def make_base(folder: Path) -> Path:
    """A bundle of a tiny CRNN with random weights, which reads nothing right."""
    torch.manual_seed(5)
    charset = Charset("0123456789 ABab")
    options: dict[str, Option] = {"hidden": 8, "channels": 16}
    network = build("crnn", options, len(charset) + 1).eval()
    manifest = Manifest(
        name="tiny",
        architecture=Architecture(name="crnn", options=options),
        symbols=charset.symbols,
        preprocess=fresh_spec("crnn"),
        licence="test",
        origin="random weights of a test",
    )
    export_onnx(network, manifest, folder / "model.onnx")
    weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    return write_bundle(folder / "tiny", manifest, weights, folder / "model.onnx").path
