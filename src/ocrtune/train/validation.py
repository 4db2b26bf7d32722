"""Scoring a network on validation lines while it trains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ocrtune.charset import Charset
from ocrtune.data.dataset import LineDataset
from ocrtune.decoding import ClassLayout, decode_best
from ocrtune.evaluate.metrics import Metrics, measure
from ocrtune.preprocess import PreprocessSpec
from ocrtune.records import Prediction
from ocrtune.train.objective import in_either_case, line_losses, per_symbol, predict

BATCH_PIXELS = 32 * 320
"""Input columns of a validation batch."""


@dataclass(frozen=True, slots=True)
class Validation:
    """What a network reads on the validation lines."""

    metrics: Metrics
    loss: float
    """Mean loss per symbol over the lines whose labels the charset can write."""
    predictions: tuple[Prediction, ...]
    ignore_case: bool = False
    """As the metrics do."""

    @property
    def score(self) -> tuple[float, float, float]:
        """For comparing, lower is better: error rate, lines not exact, loss.

        On a hundred lines many epochs make no error at all; the loss still tells them apart.
        """
        return (self.metrics.cer, 1 - self.metrics.exact_match, self.loss)


class Validator:
    """Scores networks on the same lines, with the preprocessing that the bundle will record.

    Args:
        lines: to read.
        charset: of the networks.
        layout: of its classes.
        spec: how images become arrays.
        case_pairs: classes of letters whose case the labels do not tell; if there are some, case is ignored.
    """

    def __init__(
        self,
        lines: LineDataset,
        charset: Charset,
        layout: ClassLayout,
        spec: PreprocessSpec,
        case_pairs: tuple[tuple[int, int], ...] = (),
    ) -> None:
        self.lines = lines
        self._case_pairs = case_pairs
        self._charset = charset
        self._layout = layout
        self._spec = spec
        buckets: dict[int, list[int]] = {}
        for index in range(len(lines)):
            buckets.setdefault(spec.bucket(lines.image(index)), []).append(index)
        self._batches = [
            (width, members[i : i + max(1, BATCH_PIXELS // width)])
            for width, members in sorted(buckets.items())
            for i in range(0, len(members), max(1, BATCH_PIXELS // width))
        ]

    @torch.inference_mode()
    def score(self, network: nn.Module, bf16: bool, layout: torch.memory_format) -> Validation:
        """Read all lines with `network`, in the precision and memory layout of training."""
        network.eval()
        device = next(network.parameters()).device
        predictions: dict[int, Prediction] = {}
        losses: list[float] = []
        for width, members in self._batches:
            images = [self.lines.image(index) for index in members]
            resized = [self._spec.resize(image) for image in images]
            batch = torch.from_numpy(self._spec.batch(resized, width)).to(device, memory_format=layout)
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                logits = network(batch)  # (N, T, C)
            probabilities = logits.float().softmax(2).cpu().numpy()
            steps = probabilities.shape[1]
            px_per_step = [
                width / steps * image.shape[1] / small.shape[1]
                for image, small in zip(images, resized, strict=True)
            ]
            widths = [image.shape[1] for image in images]
            read = decode_best(probabilities, self._charset, self._layout, px_per_step, widths)
            predictions.update(zip(members, read, strict=True))
            losses += self._losses(network, batch, logits, members, bf16)
        pairs = [(e.text, predictions[i].text) for i, e in enumerate(self.lines.entries)]
        ordered = tuple(predictions[i] for i in range(len(self.lines)))
        metrics = measure(pairs, ignore_case=bool(self._case_pairs))
        return Validation(metrics, float(np.mean(losses)) if losses else 0.0, ordered, bool(self._case_pairs))

    def _losses(
        self,
        network: nn.Module,
        batch: torch.Tensor,
        logits: torch.Tensor,
        members: Sequence[int],
        bf16: bool,
    ) -> list[float]:
        """Loss per symbol of the lines whose labels the charset can write, given the logits of reading."""
        writable = [
            row
            for row, index in enumerate(members)
            if not self._charset.unknown(self.lines.entries[index].text)
        ]
        if not writable:
            return []
        classes = [
            self._layout.to_classes(self._charset.encode(self.lines.entries[members[row]].text))
            for row in writable
        ]
        targets = torch.tensor([c for label in classes for c in label], device=logits.device)
        lengths = torch.tensor([len(label) for label in classes], device=logits.device)
        logits = logits[writable]
        if self._layout.kind == "attention":
            # What it read by itself is not aligned to the label: it is fed the label, as in training.
            with torch.autocast(batch.device.type, torch.bfloat16, enabled=bf16):
                logits = predict(network, batch[writable], targets, lengths, self._layout)
        logits = in_either_case(logits, self._case_pairs)
        return per_symbol(line_losses(logits, targets, lengths, self._layout), lengths).tolist()


def validation_limit(visits: float) -> int:
    """Lines to score while training with epochs of `visits` lines; all of them are at the end.

    A quarter of an epoch's lines takes about a tenth of its time.
    """
    return max(100, min(500, round(visits / 4)))


def thinned(dataset: LineDataset, limit: int) -> LineDataset:
    """At most `limit` lines, evenly spread over the set."""
    if len(dataset) <= limit:
        return dataset
    return dataset.select(evenly(range(len(dataset)), limit))


def evenly(indices: Sequence[int], limit: int) -> list[int]:
    """At most `limit` of them, evenly spread."""
    if len(indices) <= limit:
        return list(indices)
    return [indices[i] for i in np.linspace(0, len(indices) - 1, limit).round().astype(int)]
