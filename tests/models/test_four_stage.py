"""The four-stage family against its reference implementation, and at the largest promised charset."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ocrtune.convert.key_maps import from_benchmark
from ocrtune.models import NAMES, NETWORKS, build, canonical_name
from ocrtune.models.tps import edge_points, spline_basis

SIZES = {"channels": 32, "hidden": 16}

# the file's stem, its network, its number of classes, largest difference of a logit
GOLDEN = [
    ("dtrb-crnn", "crnn", 37, 1e-5),
    ("easyocr-gen2", "crnn", 97, 1e-5),  # 64 px high: the features keep 3 rows
    ("dtrb-rcnn-ctc", "rcnn-ctc", 37, 1e-5),
    ("dtrb-resnet-bilstm-ctc", "resnet-bilstm-ctc", 37, 1e-5),
    ("dtrb-vgg-attn", "vgg-bilstm-attn", 38, 1e-5),
    ("dtrb-rcnn-bilstm-attn", "rcnn-bilstm-attn", 38, 1e-5),
    # Its random points lie up to 48 image widths outside, and the image is noise: where a pixel is taken
    # from, float32 is off by a thousandth of a pixel. The reference itself is 7e-4 from the float64 result.
    ("dtrb-trba", "tps-resnet-bilstm-attn", 38, 1e-3),
]
golden = pytest.mark.parametrize(("reference", "name", "classes", "tolerance"), GOLDEN)


def checkpoint(shared, reference):
    state = torch.load(shared / "golden" / f"{reference}.pth", weights_only=True)
    return {key.removeprefix("module."): value for key, value in state.items()}


def loaded(shared, reference, name, classes):
    options = {key: size for key, size in SIZES.items() if key in NETWORKS[name].options}
    model = build(name, options, classes).eval()
    missing, unexpected = model.load_state_dict(from_benchmark(checkpoint(shared, reference)), strict=False)
    # The spline's table is computed from the sizes, there and here.
    assert (set(missing) <= {"rectifier.basis"}, unexpected) == (True, [])
    return model


@golden
def test_reference_checkpoints_give_their_logits(shared, reference, name, classes, tolerance):
    model = loaded(shared, reference, name, classes)
    with np.load(shared / "golden" / f"{reference}.npz") as tensors, torch.inference_mode():
        logits, expected = model(torch.from_numpy(tensors["images"])), torch.from_numpy(tensors["logits"])
    torch.testing.assert_close(logits, expected, atol=tolerance, rtol=0)
    torch.testing.assert_close(logits.softmax(2), expected.softmax(2), atol=tolerance / 10, rtol=0)


@pytest.mark.parametrize(
    ("reference", "name", "classes", "tolerance"), [row for row in GOLDEN if row[1].endswith("attn")]
)
def test_fed_its_best_classes_a_decoder_scores_as_it_does_alone(shared, reference, name, classes, tolerance):
    """Training computes all steps from the label at once, reading one from the other."""
    model = loaded(shared, reference, name, classes)
    with np.load(shared / "golden" / f"{reference}.npz") as tensors, torch.inference_mode():
        expected = torch.from_numpy(tensors["logits"])
        before = torch.cat((torch.zeros(2, 1, dtype=torch.long), expected.argmax(2)[:, :-1]), 1)
        logits = model(torch.from_numpy(tensors["images"]), before)
    torch.testing.assert_close(logits, expected, atol=tolerance, rtol=0)


def test_the_spline_is_the_reference_s(shared):
    state = checkpoint(shared, "dtrb-trba")
    pixels = state["Transformation.GridGenerator.P_hat"].double()
    inverse = state["Transformation.GridGenerator.inv_delta_C"].double()
    expected = (pixels @ inverse)[:, :20].numpy()
    np.testing.assert_allclose(spline_basis(32, 100, 20), expected, atol=2e-5)


def test_a_spline_through_the_edges_themselves_changes_nothing():
    grid = (spline_basis(32, 100, 20) @ edge_points(20)).reshape(32, 100, 2)
    np.testing.assert_allclose(grid[:, 0, 0], -0.99, atol=1e-4)  # the middle of the first pixel
    np.testing.assert_allclose(grid[0, :, 1], 1 / 32 - 1, atol=1e-4)
    np.testing.assert_allclose(np.diff(grid[:, :, 0], axis=1), 0.02, atol=1e-4)


# Of the benchmark's layer tables, 512 channels and 256 cells; 37 classes, 38 with attention.
@pytest.mark.parametrize(
    ("name", "classes", "weights"),
    [
        # Summed by hand: VGG, two BiLSTMs, the scores.
        ("crnn", 37, 5_549_824 + 1_708_288 + 1_184_000 + 9_509),
        # 49.6 million in the authors' table; the reference's cell has a second bias, added to the first here.
        ("tps-resnet-bilstm-attn", 38, 49_555_182 - 1_024),
    ],
)
def test_default_sizes_are_those_of_the_benchmark(name, classes, weights):
    assert sum(p.numel() for p in build(name, {}, classes).parameters()) == weights


def test_trains_with_6625_classes():
    """The size of PP-OCR's Chinese dictionary, the largest charset CRNN is promised for."""
    torch.manual_seed(0)
    model = build("crnn", {}, 6625)
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


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        ("None-VGG-BiLSTM-CTC", "crnn"),
        ("vgg-bilstm-ctc", "crnn"),
        ("CRNN", "crnn"),
        ("TPS-ResNet-BiLSTM-Attn", "tps-resnet-bilstm-attn"),
        ("None-RCNN-None-CTC", "rcnn-ctc"),
        ("none-resnet-bilstm-attn", "resnet-bilstm-attn"),
    ],
)
def test_the_benchmark_s_names_are_understood(spelled, name):
    assert canonical_name(spelled) == name


def test_the_names_in_messages_are_the_registered_ones():
    assert NAMES == "ppocrv6-small, crnn, crnn-shi, or [tps-]{vgg,rcnn,resnet}[-bilstm]-{ctc,attn}"
    spelled = {
        f"{t}{f}{s}-{p}"
        for t in ("", "tps-")
        for f in ("vgg", "rcnn", "resnet")
        for s in ("", "-bilstm")
        for p in ("ctc", "attn")
    }
    assert {canonical_name(name) for name in spelled} == set(NETWORKS) - {"ppocrv6-small", "crnn-shi"}
