"""Reading a line symbol by symbol with attention (Bahdanau et al. 2015), as ASTER and its kin do.

An LSTM cell looks at the line, weighted by what it has read so far, and is fed the class it emitted
before. All that does not depend on the step before is computed for the whole line, or the whole label, at
once: a step is then one product with the state and one with the weights of the columns.

Letters: N lines, T columns of features, S steps, D width of the features, H hidden width, C classes.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ocrtune.decoding import ATTENTION
from ocrtune.models.head import Head


class Decoder(nn.Module):
    """The attention and the cell, without what is class-indexed: that is `fed` and `head` of the network.

    Args:
        in_features: D.
        hidden: H.
    """

    def __init__(self, in_features: int, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.key = nn.Linear(in_features, hidden, bias=False)
        self.query = nn.Linear(hidden, hidden)
        self.score = nn.Linear(hidden, 1, bias=False)
        self.look = nn.Linear(in_features, 4 * hidden, bias=False)
        self.recur = nn.Linear(hidden, 4 * hidden)

    def forward(self, features: Tensor, fed: Tensor) -> Tensor:
        """States (N, S, H) when the classes before are known.

        Args:
            features: (N, T, D).
            fed: (N, S, 4H), the row of `fed` of the class before each step.
        """
        line = _Line(self, features)
        return torch.stack([line.step(before) for before in fed.unbind(1)], 1)

    def greedy(self, features: Tensor, fed: nn.Embedding, head: Head, steps: int) -> Tensor:
        """Scores (N, S, C) when each step is fed the best class of the step before.

        Always all `steps`, so that it exports as it is; what comes after the end means nothing.
        """
        line = _Line(self, features)
        before = fed.weight[ATTENTION.start].expand(features.shape[0], -1)
        scores = []
        for _ in range(steps):
            scores.append(head(line.step(before)[:, None]))  # (N, 1, C)
            before = fed(scores[-1][:, 0].argmax(1))
        return torch.cat(scores, 1)


class _Line:
    """The state of one decoding."""

    def __init__(self, decoder: Decoder, features: Tensor) -> None:
        self._hidden = decoder.hidden
        self._keys = decoder.key(features)  # (N, T, H)
        self._looks = decoder.look(features)  # (N, T, 4H)
        self._score = decoder.score.weight[0]  # (H,)
        # Both are products with the same state: one is quicker.
        self._weight = torch.cat((decoder.query.weight, decoder.recur.weight))  # (5H, H)
        self._bias = torch.cat((decoder.query.bias, decoder.recur.bias))
        self._state = features.new_zeros(features.shape[0], decoder.hidden)
        self._cell = self._state

    def step(self, fed: Tensor) -> Tensor:
        """The next state (N, H), given the row (N, 4H) of the class before."""
        product = F.linear(self._state, self._weight, self._bias)  # (N, 5H)
        query, gates = product[:, : self._hidden], product[:, self._hidden :]
        weights = (torch.tanh(self._keys + query[:, None]) @ self._score).softmax(1)  # (N, T)
        gates = gates + fed + (weights[:, None] @ self._looks)[:, 0]  # (N, 4H)
        take, keep, new, give = gates.chunk(4, 1)
        self._cell = torch.sigmoid(keep) * self._cell + torch.sigmoid(take) * torch.tanh(new)
        self._state = torch.sigmoid(give) * torch.tanh(self._cell)
        return self._state


def fed_classes(num_classes: int, hidden: int) -> nn.Embedding:
    """What the cell is fed of a class, (C, 4H), drawn as the other weights of an LSTM cell are."""
    table = nn.Embedding(num_classes, 4 * hidden)
    nn.init.uniform_(table.weight, -1 / math.sqrt(hidden), 1 / math.sqrt(hidden))
    return table
