"""Drawn digits and a tiny base, for whole runs that take seconds."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from ocrtune.bundle import Architecture, Manifest, Option, write_bundle
from ocrtune.charset import Charset
from ocrtune.convert.onnx_export import export_onnx
from ocrtune.models import build
from ocrtune.records import Image
from ocrtune.train import recipe
from ocrtune.train.fresh import fresh_spec

LINES = 24


@pytest.fixture(autouse=True)
def same_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that are compared must compute alike; the probe of a busy machine answers as it likes."""
    monkeypatch.setattr(recipe, "probe_speeds", lambda *_: [recipe.Speed("fp32", False, 100.0)])


def draw(text: str) -> Image:
    """A line of digits, 32 px high."""
    image = np.full((32, 20 + 18 * len(text)), 255, np.uint8)
    cv2.putText(image, text, (8, 25), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 0, 2)
    return image


def write_lines(folder: Path, texts: list[str]) -> Path:
    """A dataset folder of drawn digits."""
    (folder / "images").mkdir(parents=True)
    rows = []
    for number, text in enumerate(texts):
        name = f"images/{number:03}.png"
        cv2.imwrite(str(folder / name), draw(text))
        rows.append(f"{name}\t{text}\n")
    (folder / "labels.txt").write_text("".join(rows), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def digit_lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 lines of two to four digits."""
    generator = np.random.default_rng(1)
    texts = ["".join(map(str, generator.integers(0, 10, 2 + i % 3))) for i in range(LINES)]
    return write_lines(tmp_path_factory.mktemp("lines") / "digits", texts)


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of a CRNN small enough to train in seconds, with random weights."""
    torch.manual_seed(5)
    charset = Charset("0123456789 ABab")
    options: dict[str, Option] = {"hidden": 8, "channels": 16}
    network = build("crnn", options, len(charset) + 1).eval()
    spec = fresh_spec("crnn")
    manifest = Manifest(
        name="tiny",
        architecture=Architecture(name="crnn", options=options),
        symbols=charset.symbols,
        preprocess=spec,
        licence="test",
        origin="random weights of a test",
    )
    folder = tmp_path_factory.mktemp("base")
    export_onnx(network, manifest, folder / "model.onnx")
    weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    write_bundle(folder / "tiny", manifest, weights, folder / "model.onnx")
    return folder / "tiny"
