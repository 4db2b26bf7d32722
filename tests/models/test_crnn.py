"""CRNN against its reference implementation, and at the largest charset it is promised for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ocrtune.models.crnn import CRNN

RENAMED = {"FeatureExtraction.ConvNet": "features", "SequenceModeling": "sequence", "Prediction": "head"}


def renamed(key: str) -> str:
    key = key.removeprefix("module.")
    prefix = next(p for p in RENAMED if key.startswith(p))
    return RENAMED[prefix] + key.removeprefix(prefix)


# the file's stem, its number of classes
@pytest.mark.parametrize(
    ("reference", "classes"),
    [
        ("dtrb-crnn", 37),  # deep-text-recognition-benchmark, 32 px high
        ("easyocr-gen2", 97),  # EasyOCR's second generation, 64 px high
    ],
)
def test_reference_checkpoints_give_their_logits_by_renaming_keys(shared, reference, classes):
    golden = shared / "golden"
    state = torch.load(golden / f"{reference}.pth", weights_only=True)
    model = CRNN(classes, hidden=16, channels=32).eval()
    model.load_state_dict({renamed(key): value for key, value in state.items()})
    with np.load(golden / f"{reference}.npz") as tensors, torch.inference_mode():
        logits = model(torch.from_numpy(tensors["images"]))
        torch.testing.assert_close(logits, torch.from_numpy(tensors["logits"]), atol=1e-5, rtol=1e-5)


def test_default_sizes_are_those_of_the_benchmark():
    """Summed by hand from the benchmark's layer table (512 channels, 256 cells, 37 classes)."""
    vgg, first_lstm, second_lstm, head = 5_549_824, 1_708_288, 1_184_000, 9_509
    assert sum(p.numel() for p in CRNN(37).parameters()) == vgg + first_lstm + second_lstm + head


def test_trains_with_6625_classes():
    """The size of PP-OCR's Chinese dictionary, the largest charset CRNN is promised for."""
    torch.manual_seed(0)
    model = CRNN(6625)
    logits = model(torch.randn(2, 1, 32, 160))
    assert logits.shape == (2, 39, 6625)
    loss = torch.nn.functional.ctc_loss(
        logits.log_softmax(2).transpose(0, 1),
        torch.tensor([[1, 6624, 4000], [6624, 6624, 7]]),
        torch.tensor([39, 39]),
        torch.tensor([3, 3]),
    )
    loss.backward()
    assert torch.isfinite(loss)
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())
