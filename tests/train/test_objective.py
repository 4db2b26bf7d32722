"""The losses against their definitions, on numbers small enough to follow."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from ocrtune.decoding import ATTENTION, CTC
from ocrtune.train.objective import (
    IGNORED,
    attention_loss,
    ctc_loss,
    fed_and_wanted,
    greedy_edits,
    in_either_case,
    line_losses,
    per_symbol,
    predict,
)


def test_a_decoder_is_fed_the_label_one_step_late_and_owes_the_end() -> None:
    fed, wanted = fed_and_wanted(torch.tensor([5, 6, 7]), torch.tensor([1, 0, 2]), ATTENTION)
    x = IGNORED
    assert fed.tolist() == [[0, 5, 1], [0, 1, 1], [0, 6, 7]]
    assert wanted.tolist() == [[5, 1, x], [1, x, x], [6, 7, 1]]


def test_the_loss_of_a_label_is_the_sum_over_its_symbols_and_the_end() -> None:
    torch.manual_seed(1)
    logits = torch.randn(2, 3, 8, dtype=torch.bfloat16)
    targets, lengths = torch.tensor([5, 6, 7]), torch.tensor([1, 2])
    log_p = logits.float().log_softmax(2)
    expected = torch.stack(
        (-log_p[0, 0, 5] - log_p[0, 1, 1], -log_p[1, 0, 6] - log_p[1, 1, 7] - log_p[1, 2, 1])
    )
    losses = line_losses(logits, targets, lengths, ATTENTION)
    assert losses.dtype == torch.float32
    torch.testing.assert_close(losses, expected)


def test_what_stands_behind_the_end_has_no_say() -> None:
    logits = torch.randn(1, 4, 6)
    changed = logits.clone()
    changed[0, 2:] += 100 * torch.randn(2, 6)
    _, wanted = fed_and_wanted(torch.tensor([3]), torch.tensor([1]), ATTENTION)
    wanted = torch.nn.functional.pad(wanted, (0, 2), value=IGNORED)
    assert torch.equal(attention_loss(logits, wanted), attention_loss(changed, wanted))


def test_only_a_decoder_is_given_the_labels() -> None:
    given: list[tuple[torch.Tensor, ...]] = []

    class Spy(torch.nn.Module):
        def forward(self, *arguments: torch.Tensor) -> torch.Tensor:
            given.append(arguments)
            return arguments[0]

    images, targets, lengths = torch.zeros(1, 1, 32, 32), torch.tensor([2, 3]), torch.tensor([2])
    for layout in (CTC, ATTENTION):
        predict(Spy(), images, targets, lengths, layout)
    assert [len(arguments) for arguments in given] == [1, 2]
    assert given[1][1].tolist() == [[0, 2, 3]]


@pytest.mark.parametrize(
    ("layout", "path", "label", "edits"),
    [
        (CTC, [1, 1, 0, 2], [1, 2], 0),
        (CTC, [1, 0, 1, 2], [1, 2], 1),
        (ATTENTION, [2, 3, 1, 2], [2, 3], 0),
        (ATTENTION, [2, 1, 3, 3], [2, 3], 1),
    ],
)
def test_greedy_edits(layout: object, path: list[int], label: list[int], edits: int) -> None:
    logits = torch.nn.functional.one_hot(torch.tensor([path]), 5).float()
    found = greedy_edits(logits, np.array(label), np.array([len(label)]), layout)  # type: ignore[arg-type]
    assert found == (edits, len(label))


def test_per_symbol_does_not_divide_by_nothing() -> None:
    assert per_symbol(torch.tensor([6.0, 2.0]), torch.tensor([3, 0])).tolist() == [2.0, 2.0]


def test_a_letter_has_the_probability_of_both_its_cases() -> None:
    """Labels that write capitals whatever the print: "a" at a step must not lower the probability of "A"."""
    probabilities = torch.tensor([[[0.1, 0.2, 0.3, 0.4]]])  # blank, "A", "a", "1"
    logits = (probabilities.log() + 3).requires_grad_()
    either = in_either_case(logits, ((1, 2),))
    assert either.softmax(2)[0, 0].tolist() == pytest.approx([0.1, 0.5, 0.0, 0.4])
    loss = ctc_loss(either, torch.tensor([1]), torch.tensor([1]))
    assert float(loss.detach()) == pytest.approx(-math.log(0.5))
    loss.backward()
    gradient = logits.grad[0, 0].tolist()
    # Both cases rise in the proportion that they have: the ratio between them is not taught.
    assert gradient[1] / gradient[2] == pytest.approx(0.2 / 0.3)
    assert gradient[1] < 0 < gradient[3]


def test_without_pairs_logits_stay_what_they_are() -> None:
    logits = torch.zeros(1, 2, 3)
    assert in_either_case(logits, ()) is logits
