"""The 29-layer residual features of deep-text-recognition-benchmark (after Cheng et al. 2017, FAN).

Letters: N lines, H height, W width.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

STAGES = ((1 / 4, 1), (1 / 2, 2), (1, 5), (1, 3))
"""Share of the channels, and residual blocks, of the four stages."""


def conv3x3(in_channels: int, out_channels: int) -> nn.Conv2d:
    """3x3 convolution that keeps the size; its bias would be lost in the norm behind it."""
    return nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)


class Block(nn.Module):
    """Two convolutions beside a shortcut (He et al. 2016)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = conv3x3(in_channels, out_channels)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.conv2 = conv3x3(out_channels, out_channels)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.shortcut: nn.Module = nn.Identity()
        if in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


class ResNet(nn.Module):
    """(N, image_channels, H, W) to (N, channels, H/16 - 1, W/4 + 1)."""

    def __init__(self, image_channels: int, channels: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            conv3x3(image_channels, channels // 16),
            nn.BatchNorm2d(channels // 16),
            nn.ReLU(),
            conv3x3(channels // 16, channels // 8),
            nn.BatchNorm2d(channels // 8),
            nn.ReLU(),
        )
        self.pools = nn.ModuleList(
            [
                nn.MaxPool2d(2),  # (H/2, W/2)
                nn.MaxPool2d(2),  # (H/4, W/4)
                nn.MaxPool2d(2, (2, 1), (0, 1)),  # (H/8, W/4 + 1)
                nn.Identity(),
            ]
        )
        self.stages = nn.ModuleList()
        previous = channels // 8
        for share, depth in STAGES:
            width = int(channels * share)
            blocks = [Block(previous if i == 0 else width, width) for i in range(depth)]
            self.stages.append(nn.Sequential(*blocks))
            previous = width
        # Behind each stage but the last; that one ends in two that shrink what is left of the height.
        self.joins = nn.ModuleList(
            nn.Sequential(conv3x3(width, width), nn.BatchNorm2d(width), nn.ReLU())
            for width in (int(channels * share) for share, _ in STAGES[:-1])
        )
        self.joins.append(
            nn.Sequential(
                nn.Conv2d(channels, channels, 2, (2, 1), (0, 1), bias=False),  # (H/16, W/4 + 2)
                nn.BatchNorm2d(channels),
                nn.ReLU(),
                nn.Conv2d(channels, channels, 2, bias=False),  # (H/16 - 1, W/4 + 1)
                nn.BatchNorm2d(channels),
                nn.ReLU(),
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for pool, stage, join in zip(self.pools, self.stages, self.joins, strict=True):
            x = join(stage(pool(x)))
        return x
