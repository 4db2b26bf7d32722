"""The features of CRNN (Shi et al. 2015), layer for layer as deep-text-recognition-benchmark has them.

Letters: N lines, H height, W width.
"""

from __future__ import annotations

from torch import nn


def vgg(image_channels: int, channels: int) -> nn.Sequential:
    """(N, image_channels, H, W) to (N, channels, H/16 - 1, W/4 - 1); the first layers have an eighth."""
    first, second, third = channels // 8, channels // 4, channels // 2
    return nn.Sequential(
        nn.Conv2d(image_channels, first, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),  # (H/2, W/2)
        nn.Conv2d(first, second, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),  # (H/4, W/4)
        nn.Conv2d(second, third, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(third, third, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d((2, 1)),  # (H/8, W/4): letters are narrow, so the width is kept from here
        nn.Conv2d(third, channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.Conv2d(channels, channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.MaxPool2d((2, 1)),  # (H/16, W/4)
        nn.Conv2d(channels, channels, 2),  # (H/16 - 1, W/4 - 1)
        nn.ReLU(),
    )
