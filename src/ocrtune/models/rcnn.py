"""The gated recurrent convolutions (GRCNN, Wang and Hu 2017) of deep-text-recognition-benchmark.

Letters: N lines, H height, W width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ITERATIONS = 5


class Iteration(nn.Module):
    """One pass of the recurrence; each has norms of its own, the kernels are shared."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm_gate_in = nn.BatchNorm2d(channels)
        self.norm_gate_back = nn.BatchNorm2d(channels)
        self.norm_in = nn.BatchNorm2d(channels)
        self.norm_back = nn.BatchNorm2d(channels)
        self.norm_gated = nn.BatchNorm2d(channels)

    def forward(self, gate_in: Tensor, gate_back: Tensor, fed_in: Tensor, fed_back: Tensor) -> Tensor:
        gate = torch.sigmoid(self.norm_gate_in(gate_in) + self.norm_gate_back(gate_back))
        return F.relu(self.norm_in(fed_in) + self.norm_gated(self.norm_back(fed_back) * gate))


class GatedRecurrentConv(nn.Module):
    """Feeds its output back to itself, gated: the field of view grows without new kernels."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.gate_in = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        self.gate_back = nn.Conv2d(out_channels, out_channels, 1, bias=False)
        self.conv_in = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.conv_back = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)
        self.iterations = nn.ModuleList(Iteration(out_channels) for _ in range(ITERATIONS))

    def forward(self, x: Tensor) -> Tensor:
        gate_in, fed_in = self.gate_in(x), self.conv_in(x)
        y = F.relu(self.norm(fed_in))
        for iteration in self.iterations:
            y = iteration(gate_in, self.gate_back(y), fed_in, self.conv_back(y))
        return y


def rcnn(image_channels: int, channels: int) -> nn.Sequential:
    """(N, image_channels, H, W) to (N, channels, H/16 - 1, W/4 + 1); the first layers have an eighth."""
    first, second, third = channels // 8, channels // 4, channels // 2
    return nn.Sequential(
        nn.Conv2d(image_channels, first, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),  # (H/2, W/2)
        GatedRecurrentConv(first, first),
        nn.MaxPool2d(2),  # (H/4, W/4)
        GatedRecurrentConv(first, second),
        nn.MaxPool2d(2, (2, 1), (0, 1)),  # (H/8, W/4 + 1)
        GatedRecurrentConv(second, third),
        nn.MaxPool2d(2, (2, 1), (0, 1)),  # (H/16, W/4 + 2)
        nn.Conv2d(third, channels, 2, bias=False),  # (H/16 - 1, W/4 + 1)
        nn.BatchNorm2d(channels),
        nn.ReLU(),
    )
