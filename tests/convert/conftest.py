"""Checkpoints as other trainers save them, tiny and with random weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ocrtune.bundle import Architecture, Manifest, write_bundle
from ocrtune.convert.export import drawn_lines
from ocrtune.models import NETWORKS, build
from ocrtune.preprocess import PreprocessSpec
from ocrtune.train.fresh import fresh_spec

SaveCheckpoint = Callable[..., Path]


class BenchmarkBiLSTM(nn.Module):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.rnn = nn.LSTM(size, 4, bidirectional=True)
        self.linear = nn.Linear(8, 4)


def make_crnn_state(classes: int) -> dict[str, Tensor]:
    """What deep-text-recognition-benchmark saves of a None-VGG-BiLSTM-CTC with 16 channels and 4 cells."""
    torch.manual_seed(1)
    channels = 16
    first, second, third = channels // 8, channels // 4, channels // 2
    layers: dict[str, nn.Module] = {
        "FeatureExtraction.ConvNet.0": nn.Conv2d(1, first, 3),
        "FeatureExtraction.ConvNet.3": nn.Conv2d(first, second, 3),
        "FeatureExtraction.ConvNet.6": nn.Conv2d(second, third, 3),
        "FeatureExtraction.ConvNet.8": nn.Conv2d(third, third, 3),
        "FeatureExtraction.ConvNet.11": nn.Conv2d(third, channels, 3, bias=False),
        "FeatureExtraction.ConvNet.12": nn.BatchNorm2d(channels),
        "FeatureExtraction.ConvNet.14": nn.Conv2d(channels, channels, 3, bias=False),
        "FeatureExtraction.ConvNet.15": nn.BatchNorm2d(channels),
        "FeatureExtraction.ConvNet.18": nn.Conv2d(channels, channels, 2),
        "SequenceModeling.0": BenchmarkBiLSTM(channels),
        "SequenceModeling.1": BenchmarkBiLSTM(4),
        "Prediction": nn.Linear(4, classes),
    }
    return {
        f"module.{prefix}.{key}": tensor.detach()
        for prefix, layer in layers.items()
        for key, tensor in layer.state_dict().items()
    }


@pytest.fixture
def crnn_state() -> Callable[[int], dict[str, Tensor]]:
    """`make_crnn_state`."""
    return make_crnn_state


@pytest.fixture
def save(tmp_path: Path) -> SaveCheckpoint:
    """Saves an object as a `.pth`."""

    def write(content: object, name: str = "model.pth") -> Path:
        torch.save(content, tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture
def reading_bundle(tmp_path: Path) -> Callable[..., Path]:
    """Writes a bundle of a small CTC network with random weights which tells drawn lines apart.

    Fresh weights give the same class at every step, and any two such networks read alike. Here the head is
    laid around the features that drawn lines have.
    """

    def write(
        name: str = "crnn",
        symbols: str = "abc defghijøé#'",
        spec: PreprocessSpec | None = None,
        path: Path = tmp_path / "bundle",
        **options: object,
    ) -> Path:
        torch.manual_seed(3)
        spec = spec or fresh_spec(name)
        sizes = {"channels": 32, "hidden": 16} | options
        sizes = {key: size for key, size in sizes.items() if key in NETWORKS[name].options}
        network = build(name, sizes, 1 + len(symbols)).eval()
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)  # the signal neither fades nor grows
            elif isinstance(module, nn.LSTM):
                for weight in module.parameters():
                    nn.init.normal_(weight, std=0.5)
        seen: list[Tensor] = []
        handle = network.head.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
        with torch.no_grad():
            for line in drawn_lines(8):
                network(torch.from_numpy(spec.batch([spec.resize(line)], spec.bucket(line))))
            handle.remove()
            features = torch.cat([part.flatten(0, 1) for part in seen])
            weight = torch.randn_like(network.head.weight) / features.std(0).clamp(min=1e-3)
            network.head.weight.copy_(weight)
            network.head.bias.copy_(-weight @ features.mean(0))
        manifest = Manifest(
            name="tiny",
            architecture=Architecture(name=name, options=sizes),
            symbols=tuple(symbols),
            preprocess=spec,
            licence="none",
            origin="random weights",
        )
        weights = {key: tensor.numpy() for key, tensor in network.state_dict().items()}
        return write_bundle(path, manifest, weights, None).path

    return write
