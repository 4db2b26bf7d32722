"""Context along the line by bidirectional LSTMs (Graves et al. 2009)."""

from __future__ import annotations

from torch import Tensor, nn


class BiLSTM(nn.Module):
    """One bidirectional LSTM layer and a projection: (N, T, in) to (N, T, out).

    Two layers are two of these, not one `nn.LSTM(num_layers=2)`: the dynamo exporter of torch 2.13
    fails on stacked ones at a dynamic width.
    """

    def __init__(self, in_features: int, hidden: int, out_features: int) -> None:
        super().__init__()
        self.rnn = nn.LSTM(in_features, hidden, bidirectional=True, batch_first=True)
        self.linear = nn.Linear(2 * hidden, out_features)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.rnn(x)[0])
