"""CRNN as its authors drew it (Shi et al. 2015), for checkpoints of crnn.pytorch and ModelScope.

`crnn` of the four-stage family is the same idea with other pools, fewer biases and one projection more, so
that weights of the one do not fit the other.

Letters: N lines, H height, W width, T time steps, D hidden width, C classes.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from ocrtune.models.bilstm import BiLSTM
from ocrtune.models.head import Head


def seven_convolutions(image_channels: int, channels: int, overlap: bool) -> nn.Sequential:
    """(N, image_channels, H, W) to (N, channels, H/16 - 1, T); the first layer has an eighth.

    Args:
        image_channels: 1 or 3.
        channels: of the last three.
        overlap: pools that overlap along the line, as crnn.pytorch has, or look at one column each.
    """
    widths = (channels // 8, channels // 4, channels // 2, channels // 2, channels, channels, channels)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    previous = image_channels
    for number, width in enumerate(widths):
        kernel: int | tuple[int, int] = 3
        if number == 6:
            kernel = 2 if overlap else (2, 1)
        stride = (2, 1) if number == 6 and not overlap else 1
        layers[f"conv{number}"] = nn.Conv2d(previous, width, kernel, stride, padding=int(number < 6))
        if number in (2, 4, 6):
            layers[f"norm{number}"] = nn.BatchNorm2d(width)
        layers[f"relu{number}"] = nn.ReLU()
        if number in (0, 1):
            layers[f"pool{number}"] = nn.MaxPool2d(2)
        if number in (3, 5):
            pool = nn.MaxPool2d(2, (2, 1), (0, 1)) if overlap else nn.MaxPool2d((2, 1))
            layers[f"pool{number}"] = pool
        previous = width
    return nn.Sequential(layers)


class OriginalCRNN(nn.Module):
    """Line images to class scores, CTC.

    Args:
        num_classes: C, the blank included.
        channels: of the last convolutions.
        hidden: D, LSTM cells per direction.
        overlap: see `seven_convolutions`.
        second_looks: see `Head`.
    """

    EARLY = ("features.conv0.", "features.conv1.")
    classes = "ctc"
    fixed_width = None

    def __init__(
        self,
        num_classes: int,
        channels: int = 512,
        hidden: int = 256,
        overlap: bool = True,
        second_looks: tuple[int, ...] = (),
    ) -> None:
        super().__init__()
        if channels < 8 or channels % 8:
            raise ValueError(f"channels is {channels}; it must be a positive multiple of 8")
        if hidden < 1:
            raise ValueError(f"hidden is {hidden}; it must be at least 1")
        self.overlap = overlap
        self.features = seven_convolutions(1, channels, overlap)
        self.sequence = BiLSTM(channels, hidden, hidden)
        self.last = nn.LSTM(hidden, hidden, bidirectional=True, batch_first=True)
        self.head = Head(2 * hidden, num_classes, second_looks)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 1, H, W) to (N, T, C) logits; H is a multiple of 16 from 32 on, W at least 8."""
        x = self.features(images).mean(2).transpose(1, 2)  # (N, T, channels)
        return self.head(self.last(self.sequence(x))[0])

    def steps(self, width: int) -> int:
        """T for an input of `width` px."""
        return width // 4 + self.overlap
