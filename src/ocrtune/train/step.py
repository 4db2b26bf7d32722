"""The batches of an epoch, and what the network learns from each of them.

However a batch is cut, by processes, by `--accumulate` or for memory, what is learned is that of the whole
batch, but for the rounding of sums. Only batch norms that learn, as from random weights, see a piece alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch import nn
from torch.optim import Optimizer

from ocrtune.decoding import ClassLayout
from ocrtune.errors import BarError
from ocrtune.train.averaging import WeightAverage
from ocrtune.train.batches import Batch, LineFeeder
from ocrtune.train.dropping import LineDropout
from ocrtune.train.movement import Anchor
from ocrtune.train.objective import greedy_edits, in_either_case, line_losses, per_symbol, predict
from ocrtune.train.pieces import Pieces, is_out_of_memory
from ocrtune.train.precision import autocast
from ocrtune.train.recipe import Recipe, one_cycle
from ocrtune.train.replay import Replay
from ocrtune.train.state import Position

NAMED = 3
"""Lines named in a message."""

LEARNED, REPLAYED = 0, 1
"""Batches of a step, for whose masks each has its own randomness."""

LARGEST_SCALE = 2.0**24
SCALE_EVERY = 2000
"""Steps after which the loss in fp16 is scaled by twice as much again, as torch's GradScaler does."""


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
        sources: where each of the feeder's lines comes from, for messages.
        seed: of the run.
        pixels: limit of a piece that a run that is resumed had come to, or None.
        note: is told what happened to lines.
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
        sources: Sequence[str],
        seed: int,
        pixels: int | None,
        note: Callable[[str], None],
    ) -> None:
        self._accelerator = accelerator
        self._recipe = recipe
        self._network = network
        self._weights = [weight for weight in network.parameters() if weight.requires_grad]
        self.optimizer = optimizer
        self._average = average
        self._anchor = anchor
        self._feeder = feeder
        self._replay = replay
        self._layout = layout
        self._case_pairs = case_pairs
        self._memory = memory
        self._folder = folder
        self._sources = sources
        self._note = note
        self._dropout = LineDropout(network, recipe.dropout, seed)
        self._pieces = Pieces(
            max(1, recipe.batch_size // recipe.accumulate),
            pixels or recipe.pixels,
            accelerator.process_index,
            accelerator.num_processes,
            note,
        )

    def batches(self, position: Position) -> Iterator[Batch]:
        """What is left of the epoch: the same in every process, which learns from its part of each batch."""
        return self._feeder.epoch(position.epoch, position.batch)

    def learn(self, batch: Batch, position: Position) -> None:
        """One step of the optimiser; `position` gets the figures.

        Raises:
            BarError: the loss is no number any more.
            InputError: a single line does not fit into memory.
        """
        recipe = self._recipe
        rate = one_cycle(position.visits / recipe.visits, recipe.lr, recipe.warm_up)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["rate"]
        self._training_mode()
        general = None
        if self._replay is not None and self._replay.is_due(position.step):
            general = self._replay.next_batch(position)
        figures = self._gradient(batch, general, position)
        position.pixels = self._pieces.pixels
        self.optimizer.step()
        self.optimizer.zero_grad()
        self._anchor.pull(rate / recipe.lr)
        self._average.update(self._network)
        loss, lines, edits, symbols, replayed = self._summed(figures)
        position.loss_sum += loss
        position.loss_lines += round(lines)
        position.edits += round(edits)
        position.symbols += round(symbols)
        if general is not None:
            position.replay_sum += replayed
            position.replay_batches += 1

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
            raise self._diverged(f"the loss of {where} is {loss}")

    def _diverged(self, what: str) -> BarError:
        return BarError(
            f"training diverged: {what}; the models in {self._folder} are those of before; "
            f"train again with --lr below {self._recipe.lr:g}"
        )

    # ---- the gradient of a batch ----

    def _gradient(self, batch: Batch, general: Batch | None, position: Position) -> list[float]:
        """Set the clipped gradient of a batch and of general lines beside it, of all processes.

        Returns the figures of this one.

        Begins anew, with the same lines, where memory did not suffice or half precision overflowed, and
        without the lines whose loss is no number.
        """
        whole = len(batch.lines)
        while True:
            self.optimizer.zero_grad()
            try:
                figures, strange = self._add_pieces(batch, whole, position)
                if general is not None and not strange:
                    figures[4] = self._add_replayed(general, position)
                too_large = False
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                too_large = True
            # Only here are the frames of the error gone, and what they held.
            if too_large:
                self.optimizer.zero_grad()
                if self._accelerator.device.type == "cuda":
                    torch.cuda.empty_cache()
                self._pieces.shrink()
                continue
            if strange:
                batch = self._without(batch, strange, position)
                continue
            self._exchange()
            if self._recipe.precision == "fp16":
                torch._foreach_div_([w.grad for w in self._weights], position.loss_scale)
            norm = float(nn.utils.clip_grad_norm_(self._weights, self._recipe.clip_norm))
            if math.isfinite(norm):
                self._grow_scale(position)
                return figures
            if self._recipe.precision != "fp16" or position.loss_scale <= 1:
                raise self._diverged(f"the gradient of batch {position.step + 1} is {norm}")
            position.loss_scale /= 2

    def _add_pieces(
        self, batch: Batch, whole: int, position: Position
    ) -> tuple[list[float], dict[int, float]]:
        """Add the gradients of this process's pieces.

        Returns:
            Sums of losses, lines, edits, symbols and 0 for replay; and losses that are no numbers, by their
            lines' places.
        """
        device = self._accelerator.device
        figures = np.zeros(5)
        for piece in self._pieces.of(batch):
            self._dropout.begin(position.step, whole, piece.places.tolist(), LEARNED)
            images = torch.from_numpy(piece.images).to(device, memory_format=self._memory)
            targets = torch.from_numpy(piece.targets).to(device)
            lengths = torch.from_numpy(piece.target_lengths).to(device)
            with autocast(device, self._recipe.precision):
                logits = predict(self._network, images, targets, lengths, self._layout)  # (N, T, C)
            logits = in_either_case(logits, self._case_pairs)
            losses = per_symbol(line_losses(logits, targets, lengths, self._layout), lengths)  # (N,)
            values = losses.detach().cpu().numpy().astype(np.float64)
            strange = np.flatnonzero(~np.isfinite(values))
            if len(strange):
                return [], {int(piece.places[row]): float(values[row]) for row in strange}
            (losses.mean() * piece.share * self._scale(position)).backward()
            edits, symbols = greedy_edits(logits.detach(), piece.targets, piece.target_lengths, self._layout)
            figures += values.sum(), len(values), edits, symbols, 0
        return figures.tolist(), {}

    def _add_replayed(self, general: Batch, position: Position) -> float:
        """Add the gradient of this process's pieces of general lines; returns its part of their loss."""
        assert self._replay is not None  # who has general lines has it
        total = 0.0
        for piece in self._pieces.of(general):
            self._dropout.begin(position.step, len(general.lines), piece.places.tolist(), REPLAYED)
            device = self._accelerator.device
            loss = self._replay.loss(self._network, piece, device, self._recipe.precision)
            (loss * self._scale(position)).backward()
            total += float(loss.detach())
        return total

    def _without(self, batch: Batch, strange: dict[int, float], position: Position) -> Batch:
        """The batch without lines whose loss is no number.

        Raises:
            BarError: they are most of it: then it is the weights, not the lines.
        """
        is_strange = np.isin(batch.places, list(strange))
        named = ", ".join(self._sources[line] for line in batch.lines[is_strange][:NAMED])
        more = f" and {len(strange) - NAMED} more" if len(strange) > NAMED else ""
        what = f"the loss of {named}{more} in batch {position.step + 1} is {next(iter(strange.values()))}"
        if 2 * len(strange) >= len(batch.lines):
            raise self._diverged(what)
        self._note(f"{what}: left out of this batch, which goes on without; look at the image and the label")
        return batch.rows(np.flatnonzero(~is_strange))

    def _exchange(self) -> None:
        """Sum the gradients of all processes, in one message."""
        if self._accelerator.num_processes == 1:
            return
        parts = [
            torch.zeros_like(w) if w.grad is None else w.grad for w in self._weights
        ]  # none: had no lines
        summed = self._accelerator.reduce(torch.cat([part.reshape(-1) for part in parts]), "sum")
        for weight, part in zip(self._weights, summed.split([w.numel() for w in self._weights]), strict=True):
            # The fused optimiser takes both to be laid out alike.
            weight.grad = torch.empty_like(weight).copy_(part.view_as(weight))
        if not self._recipe.keep_statistics:
            for buffer in self._network.buffers():
                if buffer.is_floating_point():
                    buffer.copy_(self._accelerator.reduce(buffer, "mean"))

    def _summed(self, figures: list[float]) -> list[float]:
        """Figures of all processes together."""
        if self._accelerator.num_processes == 1:
            return figures
        own = torch.tensor(figures, dtype=torch.float64, device=self._accelerator.device)
        summed: list[float] = self._accelerator.reduce(own, "sum").tolist()
        return summed

    def _scale(self, position: Position) -> float:
        """What the loss is multiplied by, so that small gradients do not vanish in half precision."""
        return position.loss_scale if self._recipe.precision == "fp16" else 1.0

    def _grow_scale(self, position: Position) -> None:
        if position.step % SCALE_EVERY == SCALE_EVERY - 1:
            position.loss_scale = min(LARGEST_SCALE, 2 * position.loss_scale)

    def _training_mode(self) -> None:
        self._network.train()
        for module in self._network.modules():
            if isinstance(module, nn.BatchNorm2d) and self._recipe.keep_statistics:
                module.eval()
