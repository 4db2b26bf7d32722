"""New symbols: before training begins their rows of the head are fitted to what the base makes of lines.

A base sees marks that it has no symbol for: on its features alone, which stay as they are and so are computed
once, the head learns in seconds what otherwise takes hundreds of batches that move all weights.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ocrtune.train.batches import Batch
from ocrtune.train.objective import NEVER, in_either_case, per_symbol
from ocrtune.train.precision import Precision, autocast
from ocrtune.train.validation import evenly

LINES = 1500
"""Lines with new symbols that rows are fitted to, at most."""

CONSIDERED = 200_000
"""Lines that they are chosen from, at most, evenly spread."""

OTHERS = 1 / 3
"""Lines without new symbols, of those with them."""

GENERAL_LINES = 1500
"""General lines on which a new symbol must stay quiet, at most."""

BATCH = 16
"""Lines of 320 px that are read at once: half of what a validation reads."""

STEPS, LINES_OF_STEP, RATE = 300, 64, 0.01
"""Of fitting, with Adam and half a cosine: more steps or other rates changed nothing (log 2026-11-30)."""

_BLANK, _OTHER, _FIRST = 0, 1, 2
"""Columns of a line's scores: the blank, all classes that its label does not have, then those it has."""


@dataclass(frozen=True, slots=True)
class _Line:
    """What the base makes of a line of T steps."""

    features: Tensor
    """(T, D), the input of the head."""
    scores: Tensor
    """(T, 2 + K) of the classes that the base knows: `_BLANK`, `_OTHER`, and the K of the label."""
    label: list[int]
    """Columns of the label's symbols; -1 - i is the i-th new one."""


@dataclass(frozen=True, slots=True)
class LinesToFit:
    """Lines by index."""

    showing: list[int]
    """Those that show new symbols."""
    others: list[int]
    symbols: int
    """New symbols that they show."""

    @classmethod
    def of(cls, count: int, label: Callable[[int], Iterable[int]], added: Iterable[int]) -> LinesToFit:
        """Choose lines of each new symbol alike, as far as there are some, and a few without any.

        Args:
            count: of the lines.
            label: the classes of a line's label, by index.
            added: those of the new symbols.
        """
        new = set(added)
        order = np.random.default_rng(0).permutation(evenly(range(count), CONSIDERED)).tolist()
        shown = {index: new.intersection(label(index)) for index in order}
        showing = [index for index in order if shown[index]]
        symbols: set[int] = set().union(*shown.values())
        quota = math.ceil(LINES / max(1, len(symbols)))
        taken: Counter[int] = Counter()
        chosen: list[int] = []
        for index in showing:
            if any(taken[symbol] < quota for symbol in shown[index]):
                chosen.append(index)
                taken.update(shown[index])
        left = set(showing).difference(chosen)
        chosen += [index for index in showing if index in left][: max(0, LINES - len(chosen))]
        others = [index for index in order if not shown[index]][: round(OTHERS * len(chosen))]
        return cls(chosen, others, len(symbols))


class NewSymbols:
    """Fits the rows of new classes of a CTC head.

    Args:
        network: with rows for them, which are changed in place; all else stays as it is.
        added: their classes.
        device: of the network.
        precision: to read lines in.
        memory: layout of images in memory.
        case_pairs: classes of letters whose case the labels do not tell; of known ones they count.
        advance: told of each line that was read, and whether to stop is what it answers.
    """

    def __init__(
        self,
        network: nn.Module,
        added: Sequence[int],
        device: torch.device,
        precision: Precision,
        memory: torch.memory_format,
        case_pairs: tuple[tuple[int, int], ...],
        advance: Callable[[int], bool],
    ) -> None:
        self._network = network
        self._added = torch.tensor(added, device=device)
        self._number = {class_index: number for number, class_index in enumerate(added)}
        self._device = device
        self._precision = precision
        self._memory = memory
        # A new class has no reading of its own, so the known case of its pair must keep what it has.
        self._case_pairs = tuple(pair for pair in case_pairs if not set(added).intersection(pair))
        self._advance = advance

    def fit(self, batches: Iterable[Batch], general: Iterable[Batch] = (), *, seed: int) -> bool:
        """Fit the rows to lines; those of symbols that no label has stay.

        Args:
            batches: lines that show them, and others; at least one.
            general: lines on which the network is to read what it does now.
            seed: of the order of lines.

        Returns:
            Whether it was done, and not stopped.
        """
        lines = self._read_all(batches)
        if lines is None or (quiet := self._read_all(general)) is None:
            return False
        head = self._network.head
        weight, bias = (tensor.detach()[self._added].clone() for tensor in (head.weight, head.bias))
        shown = torch.zeros(len(self._added), dtype=torch.bool, device=self._device)
        shown[[-1 - column for line in lines for column in line.label if column < 0]] = True
        rows = [tensor.requires_grad_() for tensor in (weight, bias)]
        optimizer = torch.optim.Adam(rows, lr=RATE)
        order = np.random.default_rng(seed)
        for step in range(STEPS):
            for group in optimizer.param_groups:
                group["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * step / STEPS))
            drawn = [lines[i] for i in order.integers(len(lines), size=LINES_OF_STEP)]
            loss = _loss(drawn, weight, bias)
            if quiet:
                kept = [quiet[i] for i in order.integers(len(quiet), size=LINES_OF_STEP // 2)]
                loss = loss + _lost(kept, weight, bias)
            optimizer.zero_grad()
            loss.backward()
            for row in rows:
                assert row.grad is not None
                row.grad[~shown] = 0.0
            optimizer.step()
        with torch.no_grad():
            head.weight[self._added] = weight
            head.bias[self._added] = bias
        return True

    def _read_all(self, batches: Iterable[Batch]) -> list[_Line] | None:
        """What the base makes of lines; None if it is to stop."""
        lines: list[_Line] = []
        for batch in batches:
            if self._advance(len(batch.lines)):
                return None
            lines += self._read(batch)
        return lines

    @torch.inference_mode()
    def _read(self, batch: Batch) -> list[_Line]:
        seen: list[Tensor] = []
        hook = self._network.head.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
        self._network.eval()
        try:
            with autocast(self._device, self._precision):
                images = torch.from_numpy(batch.images).to(self._device, memory_format=self._memory)
                logits = self._network(images)
        finally:
            hook.remove()
        features = seen[0].float()
        scores = in_either_case(logits.float(), self._case_pairs)
        scores[..., self._added] = NEVER
        labels = np.split(batch.targets, np.cumsum(batch.target_lengths)[:-1])
        return [
            self._line(features[row].clone(), scores[row], label.tolist()) for row, label in enumerate(labels)
        ]

    def _line(self, features: Tensor, scores: Tensor, label: list[int]) -> _Line:
        known = list(dict.fromkeys(c for c in label if c not in self._number))
        column = {class_index: number for number, class_index in enumerate(known, start=_FIRST)}
        own = scores[:, [0, *known]]
        others = scores.index_fill(1, torch.tensor([0, *known], device=scores.device), NEVER)
        columns = torch.cat((own[:, :1], others.logsumexp(1, keepdim=True), own[:, 1:]), 1)
        wanted = [-1 - self._number[c] if c in self._number else column[c] for c in label]
        return _Line(features, columns, wanted)


def _loss(lines: Sequence[_Line], weight: Tensor, bias: Tensor) -> Tensor:
    """CTC per symbol, a mean over lines: exact, as each line's columns hold all classes together."""
    steps = torch.tensor([len(line.features) for line in lines])
    lengths = torch.tensor([len(line.label) for line in lines])
    known = max(line.scores.shape[1] for line in lines)
    scores = torch.stack([_padded(line.scores, int(steps.max()), known) for line in lines])
    features = torch.stack([_padded(line.features, int(steps.max()), weight.shape[1]) for line in lines])
    logits = torch.cat((scores, F.linear(features, weight, bias)), 2)  # (N, T, known + new)
    targets = [known - 1 - column if column < 0 else column for line in lines for column in line.label]
    losses = F.ctc_loss(
        logits.log_softmax(2).transpose(0, 1), torch.tensor(targets, device=logits.device), steps, lengths,
        reduction="none", zero_infinity=True,
    )  # fmt: skip
    return per_symbol(losses, lengths.to(losses.device)).mean()


def _lost(lines: Sequence[_Line], weight: Tensor, bias: Tensor) -> Tensor:
    """Divergence from what was read before, per symbol: the log of what known classes have to give away."""
    features = torch.cat([line.features for line in lines])
    known = torch.cat([line.scores.logsumexp(1) for line in lines])
    taken = F.linear(features, weight, bias).logsumexp(1)
    return F.softplus(taken - known).sum() / sum(len(line.label) for line in lines)


def _padded(scores: Tensor, steps: int, columns: int) -> Tensor:
    return F.pad(scores, (0, columns - scores.shape[1], 0, steps - scores.shape[0]), value=NEVER)
