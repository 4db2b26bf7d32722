"""Checkpoints as other trainers save them, tiny and with random weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

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
