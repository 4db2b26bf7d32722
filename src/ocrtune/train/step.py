"""The batches of an epoch, and what the network learns from each of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import nn
from torch.optim import Optimizer

from ocrtune.decoding import ClassLayout
from ocrtune.errors import BarError
from ocrtune.train.averaging import WeightAverage
from ocrtune.train.batches import Batch, LineFeeder
from ocrtune.train.movement import Anchor
from ocrtune.train.objective import greedy_edits, in_either_case, line_losses, per_symbol, predict
from ocrtune.train.recipe import Recipe, one_cycle
from ocrtune.train.replay import Replay
from ocrtune.train.state import Position


class Learner:
    """Takes the steps of one run.

    Args:
        accelerator: of the run.
        recipe: the choices made.
        network: that learns.
        optimizer: of its weights.
        average: of its weights.
        anchor: pulls them back.
        feeder: of the material's lines.
        replay: general lines beside them, or None.
        layout: of the classes.
        case_pairs: classes of letters whose case the labels do not tell.
        memory: layout of images in memory.
        folder: of the run, for messages.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        recipe: Recipe,
        network: nn.Module,
        optimizer: Optimizer,
        average: WeightAverage,
        anchor: Anchor,
        feeder: LineFeeder,
        replay: Replay | None,
        layout: ClassLayout,
        case_pairs: tuple[tuple[int, int], ...],
        memory: torch.memory_format,
        folder: Path,
    ) -> None:
        self._accelerator = accelerator
        self._recipe = recipe
        self._network = network
        self._model, self.optimizer = accelerator.prepare(network, optimizer)
        self._average = average
        self._anchor = anchor
        self._feeder = feeder
        self._replay = replay
        self._layout = layout
        self._case_pairs = case_pairs
        self._memory = memory
        self._folder = folder

    def batches(self, position: Position) -> Iterator[tuple[Batch, int]]:
        """This process's batches of the epoch, each with the lines of all processes together.

        A process that runs out before the others repeats its last batch with no share in the
        loss: gradients are exchanged in every step, so none may leave early.
        """
        feed = self._feeder.epoch(position.epoch, position.batch)
        if self._accelerator.num_processes == 1:
            for batch in feed:
                yield batch, len(batch.target_lengths)
            return
        last = next(self._feeder.epoch(position.epoch))
        while True:
            own = next(feed, None)
            count = 0 if own is None else len(own.target_lengths)
            counts = self._accelerator.gather(torch.tensor([count], device=self._accelerator.device))
            if int(counts.sum()) == 0:
                return
            last = last.without_share() if own is None else own
            yield last, int(counts.sum())

    def learn(self, batch: Batch, position: Position) -> None:
        """One step of the optimiser; `position` gets the figures.

        Raises:
            BarError: the loss is no number any more.
        """
        recipe, device = self._recipe, self._accelerator.device
        rate = one_cycle(position.visits / recipe.visits, recipe.lr, recipe.warm_up)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["rate"]
        self._training_mode()
        images = torch.from_numpy(batch.images).to(device, memory_format=self._memory)
        targets = torch.from_numpy(batch.targets).to(device)
        lengths = torch.from_numpy(batch.target_lengths).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=recipe.precision == "bf16"):
            logits = predict(self._model, images, targets, lengths, self._layout)  # (N, T, C)
        logits = in_either_case(logits, self._case_pairs)
        losses = per_symbol(line_losses(logits, targets, lengths, self._layout), lengths)  # (N,)
        self._accelerator.backward(losses.mean() * batch.share)
        if self._replay is not None and self._replay.is_due(position.step):
            self._rehearse(self._replay, position)
        self._accelerator.clip_grad_norm_(self._model.parameters(), recipe.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self._anchor.pull(rate / recipe.lr)
        self._average.update(self._network)
        loss_sum = float(losses.detach().sum())
        self.require_finite(loss_sum, f"batch {position.step + 1}")
        position.loss_sum += loss_sum
        position.loss_lines += len(batch.target_lengths)
        edits, symbols = greedy_edits(logits.detach(), batch.targets, batch.target_lengths, self._layout)
        position.edits += edits
        position.symbols += symbols

    def close(self) -> None:
        """End what prepares general lines in the background."""
        if self._replay is not None:
            self._replay.close()

    def require_finite(self, loss: float, where: str) -> None:
        """A loss that is no number spreads to all weights: nothing of them is kept.

        Raises:
            BarError: it is none.
        """
        if not math.isfinite(loss):
            raise BarError(
                f"training diverged: the loss of {where} is {loss}; the models in {self._folder} are "
                f"those of before; train again with --lr below {self._recipe.lr:g}"
            )

    def _rehearse(self, replay: Replay, position: Position) -> None:
        """Add the gradient of a batch of general lines to that of the material."""
        batch = replay.next_batch(position)
        loss = replay.loss(self._model, batch, self._accelerator.device, self._recipe.precision == "bf16")
        self._accelerator.backward(loss)
        position.replay_sum += float(loss.detach())
        position.replay_batches += 1

    def _training_mode(self) -> None:
        self._model.train()
        for module in self._network.modules():
            if isinstance(module, nn.Dropout):
                module.p = self._recipe.dropout
            if isinstance(module, nn.BatchNorm2d) and self._recipe.keep_statistics:
                module.eval()
