"""A whole run of a straightening attention network: it learns, grows to the labels, and is served alike."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from ocrtune.bundle import Architecture, Manifest, Option, write_bundle
from ocrtune.charset import Charset
from ocrtune.config import TrainConfig
from ocrtune.convert.onnx_export import export_onnx
from ocrtune.decoding import ATTENTION
from ocrtune.models import build
from ocrtune.preprocess import PreprocessSpec
from ocrtune.reading.models import find_model
from ocrtune.reading.recognizer import OnnxRecognizer
from ocrtune.train.run import train


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A tiny network with random weights that reads two symbols at most."""
    torch.manual_seed(5)
    charset = Charset("0123456789")
    name = "tps-vgg-bilstm-attn"
    options: dict[str, Option] = {"hidden": 16, "channels": 16, "width": 64, "max_length": 2}
    network = build(name, options, ATTENTION.num_classes(charset)).eval()
    manifest = Manifest(
        name="tiny",
        architecture=Architecture(name=name, options=options),
        symbols=charset.symbols,
        classes="attention",
        preprocess=PreprocessSpec(height=32, width_buckets=(64,), channels="gray"),
        licence="test",
        origin="random weights of a test",
    )
    export_onnx(network, manifest, tmp_path / "model.onnx")
    weights = {key: tensor.numpy() for key, tensor in network.state_dict().items()}
    write_bundle(tmp_path / "base", manifest, weights, tmp_path / "model.onnx")
    return tmp_path / "base"


@pytest.mark.slow
@pytest.mark.parametrize("is_guarded", [False, True], ids=["material alone", "with replay and guard"])
def test_an_attention_network_is_tuned_kept_and_read(
    base: Path, digit_lines: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], is_guarded: bool
) -> None:
    general = str(digit_lines) if is_guarded else "none"
    config = TrainConfig(
        train=(str(digit_lines),),
        output=tmp_path / "run",
        base=str(base),
        epochs=3,
        batch_size=2,
        lr=5e-3,
        max_bad=0.2,
        replay=general,
        guard=general,
    )
    result = train(config)
    rows = [json.loads(row) for row in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert rows[3]["val_loss"] < rows[2]["val_loss"] < rows[0]["val_loss"]
    assert (rows[3].get("replay_loss", 0.0) > 0) is is_guarded
    assert ("guard_exact_match" in rows[3]) is is_guarded
    shown = capsys.readouterr().out
    assert "the base emits at most 2 symbols; made 4, as many as the longest label has" in shown
    found = find_model(result.best)
    assert found.manifest.classes == "attention"
    assert found.manifest.architecture.options["max_length"] == 4
    (line,) = OnnxRecognizer(found.manifest, found.onnx_path).recognize([torch.zeros(32, 60).byte().numpy()])
    assert len(line.text) <= 4
