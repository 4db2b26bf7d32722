"""The class scores: a class with two looks is as likely as both together."""

from __future__ import annotations

import torch

from ocrtune.models.head import Head


def test_the_probabilities_of_both_looks_add_up() -> None:
    torch.manual_seed(1)
    plain, head = Head(5, 7), Head(5, 5, second_looks=(4, 2))
    head.load_state_dict(plain.state_dict())
    features = 3 * torch.randn(2, 4, 5)
    of_rows = plain(features).softmax(2)
    of_classes = head(features).softmax(2)
    expected = of_rows[..., :5].clone()
    expected[..., 4] += of_rows[..., 5]
    expected[..., 2] += of_rows[..., 6]
    assert of_classes.shape == (2, 4, 5)
    torch.testing.assert_close(of_classes, expected)


def test_scores_of_any_size_stay_finite() -> None:
    head = Head(1, 3, second_looks=(1,))
    with torch.no_grad():
        head.weight.copy_(torch.tensor([[0.0], [1.0], [-1.0], [-1.0]]))
        head.bias.zero_()
    scores = head(torch.tensor([[[-5000.0], [5000.0]]]))
    torch.testing.assert_close(scores, torch.tensor([[[0.0, 5000.0, 5000.0], [0.0, 5000.0, -5000.0]]]))
