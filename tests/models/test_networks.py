"""Every registered network passes the same tests; a new one is enrolled by its name alone."""

from __future__ import annotations

import pytest
import torch

from ocrtune.decoding import ClassLayout
from ocrtune.errors import InputError
from ocrtune.models import FED, HEAD, NETWORKS, build
from ocrtune.train.objective import line_losses, predict

SMALL = {"channels": 32, "hidden": 16, "max_length": 9, "width": 96}
"""Sizes at which the large families are tested."""


def small(name, **options):
    """The small sizes that a network has."""
    return {k: v for k, v in SMALL.items() if k in NETWORKS[name].options} | options


# name, options, (channels, height) of its input
CASES = [
    *((name, small(name), (3, 48) if name == "ppocrv6-small" else (1, 32)) for name in NETWORKS),
    ("ppocrv6-small", {"time_stride": 4}, (3, 48)),  # for narrow repeats
    ("ppocrv6-small", {"second_looks": (3, 10)}, (3, 48)),  # letters read in either case
    ("crnn-shi", small("crnn-shi", overlap=False), (1, 32)),  # ModelScope's
    ("crnn", small("crnn"), (1, 64)),  # EasyOCR's height: the features keep 3 rows, averaged
    ("crnn", small("crnn", second_looks=(3, 2)), (1, 32)),
    ("resnet-bilstm-attn", small("resnet-bilstm-attn", second_looks=(3, 2)), (1, 32)),
    ("tps-rcnn-attn", small("tps-rcnn-attn", image_channels=3, height=48, points=8), (3, 48)),  # colour
]
enrolled = pytest.mark.parametrize(("name", "options", "shape"), CASES)


def network(name, options, num_classes=11):
    """With random weights where a network starts from zeros, through which nothing would pass."""
    torch.manual_seed(2)
    model = build(name, options, num_classes)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.01 * torch.randn(parameter.shape))
    return model


@enrolled
# 8: the narrowest; 50, 129: no multiple of the stride; 640: a long line
@pytest.mark.parametrize("width", [8, 50, 64, 129, 640])
def test_output_has_the_steps_the_network_promises(name, options, shape, width):
    model = network(name, options).eval()
    if model.fixed_width not in (None, width):
        width = model.fixed_width
    with torch.inference_mode():
        logits = model(torch.randn(2, *shape, width, generator=torch.Generator().manual_seed(1)))
    assert logits.shape == (2, model.steps(width), 11)
    assert torch.isfinite(logits).all()


@enrolled
def test_a_line_scores_the_same_alone_and_in_a_batch(name, options, shape):
    model = network(name, options).eval()
    lines = torch.randn(5, *shape, 96)
    with torch.inference_mode():
        torch.testing.assert_close(model(lines)[3:4], model(lines[3:4]), atol=1e-5, rtol=0)


@enrolled
def test_every_parameter_gets_a_gradient(name, options, shape):
    model = network(name, options).train()
    layout = ClassLayout(NETWORKS[name].classes)
    # All eight symbols, so that every row of what a decoder is fed is met.
    targets, lengths = torch.tensor(4 * [2, 3, 4, 5, 6, 7, 8, 9, 10]), torch.full((4,), 9)
    if model.steps(96) < 9:  # PP-OCRv6 never: 12 and 24
        pytest.fail(f"{name} has too few steps for the label")
    logits = predict(model, torch.randn(4, *shape, 96), targets, lengths, layout)
    line_losses(logits, targets, lengths, layout).sum().backward()
    without = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert without == []


@enrolled
def test_only_head_and_fed_have_a_row_for_each_class(name, options, shape):
    """Charset surgery knows these two by their names; a third class-indexed tensor would be forgotten."""
    before, after = (
        {key: tensor.shape for key, tensor in network(name, options, classes).state_dict().items()}
        for classes in (11, 13)
    )
    changed = {key for key in before if before[key] != after[key]}
    assert {key.split(".")[0] + "." for key in changed} <= {HEAD, FED}
    assert all(after[key] == (before[key][0] + 2, *before[key][1:]) for key in changed)
    assert changed >= {"head.weight", "head.bias"}
    assert any(key.startswith(FED) for key in changed) == (NETWORKS[name].classes == "attention")


@enrolled
def test_the_first_layers_are_named(name, options, shape):
    names = [n for n, _ in network(name, options).named_parameters()]
    for prefix in network(name, options).EARLY:
        assert any(n.startswith(prefix) for n in names)


# What a manifest written by hand, or by a stranger, can ask for.
@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            "svtr",
            {},
            "no network is called 'svtr'; there are ppocrv6-small, crnn, crnn-shi, or "
            "[tps-]{vgg,rcnn,resnet}[-bilstm]-{ctc,attn}",
        ),
        (
            "crnn",
            {"layers": 3},
            "crnn has no option 'layers'; it has channels, hidden, image_channels, second_looks",
        ),
        ("crnn", {"hidden": 1.5}, "crnn: hidden is 1.5; it must be of type int"),
        ("crnn", {"hidden": True}, "crnn: hidden is True; it must be of type int"),
        (
            "crnn",
            {"num_classes": 3},
            "crnn has no option 'num_classes'; it has channels, hidden, image_channels, second_looks",
        ),
        ("crnn", {"hidden": 0}, "crnn: hidden is 0; it must be at least 1"),
        ("crnn", {"channels": 20}, "crnn: channels is 20; it must be a positive multiple of 8"),
        ("crnn", {"image_channels": 2}, "crnn: image_channels is 2; it can be 1 or 3"),
        ("crnn", {"second_looks": 3}, "crnn: second_looks is 3; it must be of type tuple"),
        ("crnn", {"second_looks": (3, 3)}, "crnn: second_looks names a class twice"),
        ("crnn", {"second_looks": (11,)}, "crnn: second_looks names a class that is not below 11"),
        ("crnn", {"second_looks": (-1,)}, "crnn: second_looks names a class that is not below 11"),
        ("resnet-ctc", {"channels": 24}, "resnet-ctc: channels is 24; it must be a positive multiple of 16"),
        # A stage that is not there has no sizes.
        (
            "resnet-ctc",
            {"hidden": 16},
            "resnet-ctc has no option 'hidden'; it has channels, image_channels, second_looks",
        ),
        ("vgg-attn", {"max_length": 0}, "vgg-attn: max_length is 0; it must be from 1 to 1000"),
        ("vgg-attn", {"max_length": 10**9}, "vgg-attn: max_length is 1000000000; it must be from 1 to 1000"),
        ("tps-vgg-ctc", {"width": 16}, "tps-vgg-ctc: width is 16; it must be from 32 to 4096"),
        ("tps-vgg-ctc", {"height": 10**6}, "tps-vgg-ctc: height is 1000000; it must be from 32 to 4096"),
        ("tps-vgg-ctc", {"points": 5}, "tps-vgg-ctc: points is 5; it must be an even number from 4 to 100"),
        ("ppocrv6-small", {"time_stride": 5}, "ppocrv6-small: time_stride is 5; it can be 4 or 8"),
    ],
)
def test_what_a_network_cannot_be_built_from_is_named(name, options, message):
    with pytest.raises(InputError) as error:
        build(name, options, num_classes=11)
    assert str(error.value) == message
