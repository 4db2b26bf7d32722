"""A step learns the same however its batch is cut, and says what it could not learn from."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ocrtune.decoding import CTC
from ocrtune.errors import BarError, InputError
from ocrtune.train import step as step_module
from ocrtune.train.averaging import WeightAverage
from ocrtune.train.batches import Batch
from ocrtune.train.movement import Anchor
from ocrtune.train.objective import line_losses
from ocrtune.train.recipe import Recipe
from ocrtune.train.replay import Replay, divergence
from ocrtune.train.state import Position
from ocrtune.train.step import Learner

LINES, HEIGHT, WIDTH, CLASSES = 10, 8, 32, 6

RECIPE = Recipe(
    epochs=1, visits=100, batch_size=16, lr=0.5, warm_up=0, betas=(0.9, 0.99), weight_decay=0.01,
    clip_norm=5.0, freeze_early=False, backbone_rate=1, head_rate=1, anchor=0, dropout=0.3, extra_padding=0,
    keep_statistics=True, averaging=0.9, patience=1, precision="fp32", channels_last=False, device="cpu",
    workers=1, estimated_seconds=0,
)  # fmt: skip


class Columns(nn.Module):
    """Scores each column of an image by itself: (N, 1, H, W) to (N, W, C)."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Linear(HEIGHT, 12)
        self.dropout = nn.Dropout(0.0)
        self.head = nn.Linear(12, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        x = images.squeeze(1).transpose(1, 2)  # (N, W, H)
        return self.head(self.dropout(self.features(x).relu()))


def a_batch() -> Batch:
    """Ten lines of one to four symbols, of the twenty that a full batch has."""
    generator = np.random.default_rng(3)
    lengths = np.array([1 + line % 4 for line in range(LINES)], np.int64)
    return Batch(
        images=generator.standard_normal((LINES, 1, HEIGHT, WIDTH)).astype(np.float32),
        targets=generator.integers(1, CLASSES, lengths.sum()),
        target_lengths=lengths,
        share=0.5,
        lines=np.arange(100, 100 + LINES),
        places=np.arange(LINES),
    )


def another_batch() -> Batch:
    """Other images, as if of general lines."""
    return replace(a_batch(), images=a_batch().images[::-1].copy())


def _moved(network: nn.Module) -> nn.Module:
    """A teacher that answers otherwise: from the start itself there is nothing to learn."""
    teacher = copy.deepcopy(network)
    with torch.no_grad():
        for weight in teacher.parameters():
            weight.mul_(3)
    return teacher


class Trial:
    """A learner with a network of its own, always the same at the start."""

    def __init__(self, pixels: int | None = None, pace: float = 0, **changes: Any) -> None:
        torch.manual_seed(1)
        self.network, self.position, self.notes = Columns(), Position(), list[str]()
        recipe = RECIPE.model_copy(update=changes)
        # Not Adam, whose steps are as large whatever the size of a gradient: here that is what counts.
        optimizer = torch.optim.SGD([{"params": list(self.network.parameters()), "rate": 1.0}])
        general = SimpleNamespace(epoch=lambda number, skip: iter([another_batch()]))
        replay = Replay(_moved(self.network), general, pace, CTC, torch.contiguous_format)  # type: ignore[arg-type]
        self.learner = Learner(
            SimpleNamespace(device=torch.device("cpu"), process_index=0, num_processes=1),  # type: ignore[arg-type]
            recipe, self.network, optimizer, WeightAverage(self.network, 0.9), Anchor(self.network, 0.0),
            None, replay if pace else None, CTC, (), torch.contiguous_format, Path("run"),  # type: ignore[arg-type]
            [f"labels.txt:{line}" for line in range(200)],
            seed=7, pixels=pixels, note=self.notes.append,
        )  # fmt: skip

    def learn(self, batches: Sequence[Batch]) -> dict[str, Tensor]:
        """The weights after a step for each batch."""
        for batch in batches:
            self.learner.learn(batch, self.position)
            self.position.step += 1
        return self.network.state_dict()


def assert_same_weights(first: dict[str, Tensor], second: dict[str, Tensor]) -> None:
    for name, weight in first.items():
        torch.testing.assert_close(second[name], weight, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "pieces"),
    [
        ({"accumulate": 8}, 2),  # two lines of 320 px, so at most 8 narrow ones
        ({"batch_size": 3, "accumulate": 3}, 3),
        ({"pixels": 3 * HEIGHT * WIDTH}, 4),
        ({"pixels": 1}, LINES),
    ],
)
def test_pieces_learn_what_the_whole_batch_learns(
    options: dict[str, Any], pieces: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dropout too: its masks are those of the lines, not of the pieces."""
    whole, cut = Trial(), Trial(**options)
    expected = whole.learn([a_batch(), a_batch()])
    seen: list[int] = []
    monkeypatch.setattr(step_module, "line_losses", _counting(seen))
    assert_same_weights(expected, cut.learn([a_batch(), a_batch()]))
    assert len(seen) == 2 * pieces
    assert cut.position.loss_sum == pytest.approx(whole.position.loss_sum, rel=1e-5)
    figures = ("loss_lines", "edits", "symbols")
    assert [getattr(cut.position, f) for f in figures] == [getattr(whole.position, f) for f in figures]


def test_replayed_lines_are_learned_alike_in_pieces_and_after_a_lack_of_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, cut, short = Trial(pace=0.5), Trial(pace=0.5, pixels=3 * HEIGHT * WIDTH), Trial(pace=0.5)
    without = Trial().learn([a_batch(), a_batch()])
    expected = whole.learn([a_batch(), a_batch()])
    assert not torch.allclose(expected["head.weight"], without["head.weight"], atol=1e-3)
    assert_same_weights(expected, cut.learn([a_batch(), a_batch()]))

    def little_memory(logits: Tensor, wanted: Tensor) -> Tensor:
        if len(logits) > 4:
            raise MemoryError
        return divergence(logits, wanted)

    monkeypatch.setattr("ocrtune.train.replay.divergence", little_memory)
    assert_same_weights(expected, short.learn([a_batch(), a_batch()]))
    for trial in (whole, cut, short):
        assert trial.position.replay_batches == 1
        assert trial.position.replay_sum == pytest.approx(whole.position.replay_sum, rel=1e-5)
        assert (trial.position.replay_pass, trial.position.replay_batch) == (0, 1)
        assert trial.position.loss_lines == 2 * LINES


def _counting(seen: list[int]) -> Callable[..., Tensor]:
    def losses(logits: Tensor, *others: Any) -> Tensor:
        seen.append(len(logits))
        return line_losses(logits, *others)

    return losses


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes"),
    ],
)
@pytest.mark.parametrize("where", ["forward", "backward"])
def test_out_of_memory_halves_the_pieces_and_no_line_is_lost_or_learned_twice(
    error: Exception, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = Trial().learn([a_batch(), a_batch()])

    def losses(logits: Tensor, *others: Any) -> Tensor:
        if len(logits) > 3 and where == "forward":
            raise error
        if len(logits) > 3:
            logits.register_hook(_raising(error))
        return line_losses(logits, *others)

    monkeypatch.setattr(step_module, "line_losses", losses)
    trial = Trial()
    assert_same_weights(expected, trial.learn([a_batch(), a_batch()]))
    assert trial.position.pixels == 2.5 * HEIGHT * WIDTH
    assert trial.position.loss_lines == 2 * LINES
    assert trial.notes == [
        f"out of memory with {lines} lines of 32 x 8 px: from here on pieces of {half}, "
        "with the same lines in each batch"
        for lines, half in ((10, 5), (5, 2))
    ]


def _raising(error: Exception) -> Callable[[Tensor], None]:
    def hook(_: Tensor) -> None:
        raise error

    return hook


def test_a_line_that_fits_nowhere_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def losses(*_: Any) -> Tensor:
        raise MemoryError

    monkeypatch.setattr(step_module, "line_losses", losses)
    with pytest.raises(InputError, match="a single line of 32 x 8 px does not fit into memory; close other"):
        Trial().learn([a_batch()])


def test_other_errors_are_not_taken_for_a_lack_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def losses(*_: Any) -> Tensor:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(step_module, "line_losses", losses)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        Trial().learn([a_batch()])


def test_a_line_whose_loss_is_no_number_is_named_and_the_others_learned_from() -> None:
    others = a_batch().rows(np.array([line for line in range(LINES) if line != 3]))
    expected = Trial(dropout=0.0).learn([others])
    batch, trial = a_batch(), Trial(dropout=0.0, pixels=4 * HEIGHT * WIDTH)
    batch.images[3] = math.nan
    assert_same_weights(expected, trial.learn([batch]))
    assert trial.position.loss_lines == LINES - 1
    assert trial.notes == [
        "the loss of labels.txt:103 in batch 1 is nan: left out of this batch, which goes on without; "
        "look at the image and the label"
    ]


def test_a_batch_of_strange_losses_means_that_training_diverged() -> None:
    batch = a_batch()
    batch.images[:6] = math.nan
    with pytest.raises(
        BarError,
        match=r"diverged: the loss of labels.txt:100, labels.txt:101, labels.txt:102 and 3 more in batch 1 "
        r"is nan; the models in run are those of before; train again with --lr below 0\.5",
    ):
        Trial().learn([batch])


def test_fp16_learns_what_fp32_does_and_an_overflow_is_tried_again_with_a_smaller_scale() -> None:
    batch = a_batch()
    expected, trial = Trial().learn([batch]), Trial(precision="fp16")
    trial.position.loss_scale = 2.0**40  # no gradient fits into half precision
    weights = trial.learn([batch])
    assert 2.0**10 < trial.position.loss_scale < 2.0**40
    assert trial.position.loss_lines == LINES
    for name, weight in expected.items():
        torch.testing.assert_close(weights[name], weight, rtol=0.02, atol=1e-3)
