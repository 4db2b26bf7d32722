"""CRNN (Shi et al. 2015): a VGG, two BiLSTMs, CTC. Small, and trained from nothing.

Layer for layer the None-VGG-BiLSTM-CTC of deep-text-recognition-benchmark (Baek et al. 2019),
which EasyOCR's second generation shares, so that their checkpoints fit by renaming keys alone.

Letters: N lines, H height, W width, T time steps, D hidden width, C classes.
"""

from __future__ import annotations

from torch import Tensor, nn

from ocrtune.models.head import Head


class BiLSTM(nn.Module):
    """One bidirectional LSTM layer and a projection: (N, T, in) to (N, T, out).

    The two layers of the network are two of these, not one `nn.LSTM(num_layers=2)`: the dynamo
    exporter of torch 2.13 fails on stacked ones at a dynamic width.
    """

    def __init__(self, in_features: int, hidden: int, out_features: int) -> None:
        super().__init__()
        self.rnn = nn.LSTM(in_features, hidden, bidirectional=True, batch_first=True)
        self.linear = nn.Linear(2 * hidden, out_features)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.rnn(x)[0])


def vgg_features(channels: int) -> nn.Sequential:
    """The VGG: (N, 1, H, W) to (N, channels, H/16 - 1, W/4 - 1)."""
    first, second, third = channels // 8, channels // 4, channels // 2
    return nn.Sequential(
        nn.Conv2d(1, first, 3, padding=1),
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


class CRNN(nn.Module):
    """Grey line images to class scores, CTC, 4 px of input width per time step.

    Args:
        num_classes: C, the blank included.
        hidden: D, LSTM cells per direction.
        channels: channels of the last convolutions; the first have an eighth.
        second_looks: see `Head`.
    """

    EARLY = ("features.0.", "features.3.")

    def __init__(
        self,
        num_classes: int,
        hidden: int = 256,
        channels: int = 512,
        second_looks: tuple[int, ...] = (),
    ) -> None:
        super().__init__()
        if channels < 8 or channels % 8:
            raise ValueError(f"channels is {channels}; it must be a positive multiple of 8")
        if hidden < 1:
            raise ValueError(f"hidden is {hidden}; it must be at least 1")
        self.features = vgg_features(channels)
        self.sequence = nn.Sequential(BiLSTM(channels, hidden, hidden), BiLSTM(hidden, hidden, hidden))
        self.head = Head(hidden, num_classes, second_looks)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 1, H, W) normalised to -1..1 to (N, T, C) logits.

        H is a multiple of 16 from 32 on, W at least 8.
        """
        # The reference pools the height adaptively; at any H this mean is the same and exports.
        x = self.features(images).mean(2)  # (N, channels, T)
        return self.head(self.sequence(x.transpose(1, 2)))

    def steps(self, width: int) -> int:
        """T for an input of `width` px."""
        return width // 4 - 1
