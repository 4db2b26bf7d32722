"""Every registered network passes the same tests; a new one is enrolled by a row in `CASES`."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from ocrtune.errors import InputError
from ocrtune.models import NETWORKS, build

# name, options, (channels, height) of its input
CASES = [
    ("ppocrv6-small", {}, (3, 48)),  # as released: 8 px per step
    ("ppocrv6-small", {"time_stride": 4}, (3, 48)),  # for narrow repeats
    ("ppocrv6-small", {"second_looks": (1, 10)}, (3, 48)),  # letters read in either case
    ("crnn", {}, (1, 32)),
    ("crnn", {}, (1, 64)),  # EasyOCR's height: the features keep 3 rows, averaged
    ("crnn", {"hidden": 16, "channels": 32, "second_looks": (3, 2)}, (1, 32)),
]
enrolled = pytest.mark.parametrize(("name", "options", "shape"), CASES)


def test_every_registered_network_is_enrolled():
    assert {name for name, _, _ in CASES} == set(NETWORKS)


@enrolled
# 8: the narrowest; 50, 129: no multiple of the stride; 640: a long line
@pytest.mark.parametrize("width", [8, 50, 64, 129, 640])
def test_output_has_the_steps_the_network_promises(name, options, shape, width):
    model = build(name, options, num_classes=11).eval()
    with torch.inference_mode():
        logits = model(torch.randn(2, *shape, width, generator=torch.Generator().manual_seed(1)))
    assert logits.shape == (2, model.steps(width), 11)
    assert torch.isfinite(logits).all()


@enrolled
def test_a_line_scores_the_same_alone_and_in_a_batch(name, options, shape):
    torch.manual_seed(2)
    model = build(name, options, num_classes=11).eval()
    lines = torch.randn(5, *shape, 96)
    with torch.inference_mode():
        torch.testing.assert_close(model(lines)[3:4], model(lines[3:4]), atol=1e-5, rtol=0)


@enrolled
def test_every_parameter_gets_a_gradient(name, options, shape):
    torch.manual_seed(3)
    model = build(name, options, num_classes=11).train()
    log_probabilities = F.log_softmax(model(torch.randn(4, *shape, 96)), dim=2)
    steps = torch.full((4,), model.steps(96))
    F.ctc_loss(
        log_probabilities.transpose(0, 1), torch.tensor([[1, 2, 3]] * 4), steps, torch.full((4,), 3)
    ).backward()
    without = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert without == []


# What a manifest written by hand, or by a stranger, can ask for.
@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("svtr", {}, "no network is called 'svtr'; there are crnn, ppocrv6-small"),
        ("crnn", {"layers": 3}, "crnn has no option 'layers'; it has channels, hidden, second_looks"),
        ("crnn", {"hidden": 1.5}, "crnn: hidden is 1.5; it must be of type int"),
        ("crnn", {"hidden": True}, "crnn: hidden is True; it must be of type int"),
        (
            "crnn",
            {"num_classes": 3},
            "crnn has no option 'num_classes'; it has channels, hidden, second_looks",
        ),
        ("crnn", {"hidden": 0}, "crnn: hidden is 0; it must be at least 1"),
        ("crnn", {"channels": 20}, "crnn: channels is 20; it must be a positive multiple of 8"),
        ("crnn", {"second_looks": 3}, "crnn: second_looks is 3; it must be of type tuple"),
        ("crnn", {"second_looks": (3, 3)}, "crnn: second_looks names a class twice"),
        ("crnn", {"second_looks": (11,)}, "crnn: second_looks names a class that is not below 11"),
        ("crnn", {"second_looks": (-1,)}, "crnn: second_looks names a class that is not below 11"),
        ("ppocrv6-small", {"time_stride": 5}, "ppocrv6-small: time_stride is 5; it can be 4 or 8"),
    ],
)
def test_what_a_network_cannot_be_built_from_is_named(name, options, message):
    with pytest.raises(InputError) as error:
        build(name, options, num_classes=11)
    assert str(error.value) == message
