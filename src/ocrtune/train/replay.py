"""Replay: general lines beside the material, on which the network is held to what its start reads.

The start is its teacher, frozen: each replayed line asks for the teacher's own answer at every step of the
line, not for a label. So replay asks for nothing new, also where made lines write or look unlike real ones,
and its gradient is nothing until something is forgotten (Li and Hoiem 2018, with lines of its own).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Generator, Sequence

import torch
from torch import Tensor, nn

from ocrtune.decoding import ClassLayout
from ocrtune.train.batches import Batch, LineFeeder
from ocrtune.train.objective import per_symbol, predict
from ocrtune.train.precision import Precision, autocast
from ocrtune.train.state import Position

_NEVER = -1e4
"""Logit of a class without probability. Infinite ones would make 0 times infinity of the divergence."""


class Replay:
    """Gives the replay's part of the loss, in some of the steps.

    Args:
        start: the network before its first step; copied.
        feeder: of the general lines.
        pace: batches of them per batch of the material, at most 1.
        layout: of the classes.
        memory: layout of images in memory.
        added: classes that the start has no reading of its own for: at first it takes them for their
            look-alikes, which it is not asked to do on.
    """

    def __init__(
        self,
        start: nn.Module,
        feeder: LineFeeder,
        pace: float,
        layout: ClassLayout,
        memory: torch.memory_format,
        added: Sequence[int] = (),
    ) -> None:
        self.teacher = copy.deepcopy(start).eval().requires_grad_(False)
        self.feeder = feeder
        self.pace = pace
        self._layout = layout
        self._memory = memory
        self._added = list(added)
        self._feed: Generator[Batch] | None = None

    def is_due(self, step: int) -> bool:
        """Whether the step after `step` others replays: evenly spread, the same in every process."""
        return math.floor((step + 1) * self.pace) > math.floor(step * self.pace)

    def next_batch(self, position: Position) -> Batch:
        """The next general lines, from the first again at their end; `position` says which were had."""
        while True:
            if self._feed is None:
                self._feed = self.feeder.epoch(position.replay_pass, position.replay_batch)
            batch = next(self._feed, None)
            if batch is not None:
                position.replay_batch += 1
                return batch
            self._feed = None
            position.replay_pass, position.replay_batch = position.replay_pass + 1, 0

    def loss(self, model: nn.Module, batch: Batch, device: torch.device, precision: Precision) -> Tensor:
        """How far `model` is from its teacher on a batch: a mean over lines, 0 for the teacher itself."""
        images = torch.from_numpy(batch.images).to(device, memory_format=self._memory)
        targets = torch.from_numpy(batch.targets).to(device)
        lengths = torch.from_numpy(batch.target_lengths).to(device)
        with autocast(device, precision):
            with torch.no_grad():
                wanted = predict(self.teacher, images, targets, lengths, self._layout)
            logits = predict(model, images, targets, lengths, self._layout)
        wanted = wanted.float().index_fill(2, torch.tensor(self._added, device=device).long(), _NEVER)
        apart = divergence(logits, wanted)  # (N, T)
        if self._layout.kind == "attention":
            # Behind a label and its end nothing is asked of a decoder.
            places = torch.arange(apart.shape[1], device=device)
            apart = apart.masked_fill(places > lengths[:, None], 0.0)
        return per_symbol(apart.sum(1), lengths).mean() * batch.share

    def close(self) -> None:
        """End the thread that prepares lines."""
        if self._feed is not None:
            self._feed.close()
            self._feed = None


def divergence(logits: Tensor, wanted: Tensor) -> Tensor:
    """Kullback-Leibler divergence of the student from the teacher at each step, in float32.

    Args:
        logits: of the student, (N, T, C).
        wanted: logits of the teacher, (N, T, C).

    Returns:
        (N, T), at least 0 and 0 where both say the same.
    """
    student, teacher = logits.float().log_softmax(2), wanted.float().log_softmax(2)
    return (teacher.exp() * (teacher - student)).sum(2)
