"""What `--batch-size auto` chooses, from the lines and from what memory is said to be free."""

from __future__ import annotations

from pathlib import Path

import pytest
from torch import Tensor, nn

from ocrtune.preprocess import PreprocessSpec
from ocrtune.train import memory
from ocrtune.train.memory import bytes_per_pixel, choose_batch, choose_pixels, free_bytes

SPEC = PreprocessSpec(height=8, width_buckets=(320,), channels="gray")


class OneConvolution(nn.Module):
    """Keeps, for the backward pass, its input and what ReLU gives; the loss keeps log probabilities."""

    classes = "ctc"
    fixed_width = None

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 5, (8, 1))

    def forward(self, images: Tensor) -> Tensor:
        return self.conv(images).relu().squeeze(2).transpose(1, 2)


@pytest.mark.parametrize(
    ("visits", "device", "lines"),
    [
        (1_000_000, "cpu", 16),
        (1_000, "cuda", 16),  # 10 would leave 100 batches; never fewer than the usual ones
        (6_399, "cuda", 32),
        (6_400, "cuda", 64),
        (1_000_000, "cuda", 128),
    ],
)
def test_a_gpu_gets_larger_batches_where_an_epoch_keeps_its_hundred(
    visits: float, device: str, lines: int
) -> None:
    assert choose_batch(visits, device) == lines


def test_memory_is_counted_once_for_each_storage_and_without_weights() -> None:
    network = OneConvolution()
    per_pixel = bytes_per_pixel(network, "cpu", SPEC) * SPEC.height
    features = 5 * 4  # bytes of a column behind the convolution
    assert 4 * SPEC.height + 2 * features <= per_pixel <= 4 * SPEC.height + 6 * features
    assert all(weight.grad is None for weight in network.parameters())


def test_half_of_the_free_memory_is_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda device: 10_000_000)
    network = OneConvolution()
    assert choose_pixels(network, "cpu", SPEC) == int(5_000_000 / bytes_per_pixel(network, "cpu", SPEC))
    monkeypatch.setattr(memory, "free_bytes", lambda device: None)
    assert choose_pixels(network, "cpu", SPEC) is None


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="only Linux says what memory is free")
def test_a_container_has_what_its_limit_leaves(tmp_path: Path) -> None:
    limit, used = tmp_path / "memory.max", tmp_path / "memory.current"
    whole = free_bytes("cpu", (limit, used))
    assert whole is not None
    limit.write_text("5000\n")
    used.write_text("2000\n")
    assert free_bytes("cpu", (limit, used)) == 3000
    limit.write_text("max\n")
    unlimited = free_bytes("cpu", (limit, used))
    assert unlimited is not None
    assert unlimited > 3000
