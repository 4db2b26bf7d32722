"""The four-stage family of deep-text-recognition-benchmark (Baek et al. 2019): straighten, see, relate, read.

`None|TPS` x `VGG|RCNN|ResNet` x `None|BiLSTM` x `CTC|Attn`, each of the 24 with the layers of the reference.
None-VGG-BiLSTM-CTC is CRNN (Shi et al. 2015), and with other sizes the second generation of EasyOCR.

Letters: N lines, H height, W width, T columns of features, S steps, D hidden width, C classes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from torch import Tensor, nn

from ocrtune.decoding import LayoutKind
from ocrtune.models.attention import Decoder, fed_classes
from ocrtune.models.bilstm import BiLSTM
from ocrtune.models.head import Head
from ocrtune.models.rcnn import rcnn
from ocrtune.models.resnet import ResNet
from ocrtune.models.tps import Rectifier
from ocrtune.models.vgg import vgg

FeatureName = Literal["vgg", "rcnn", "resnet"]

FEATURES: dict[FeatureName, tuple[Callable[[int, int], nn.Module], int, tuple[str, ...]]] = {
    "vgg": (vgg, -1, ("features.0.", "features.3.")),
    "rcnn": (rcnn, 1, ("features.0.", "features.3.")),
    "resnet": (ResNet, 1, ("features.stem.", "features.stages.0.", "features.joins.0.")),
}
"""Features, columns more than a quarter of the width, and how the names of their first layers begin."""

# Bounds of what a manifest may ask for: each becomes a table or a loop of that size.
LARGEST_SIDE = 4096
"""px, of an image that is straightened."""
MOST_POINTS = 100
LONGEST_TEXT = 1000
"""Symbols; every step of a decoder is a part of the exported graph."""


class Stages(NamedTuple):
    """One of the 24: what each stage is."""

    straightened: bool
    features: FeatureName
    context: bool
    attention: bool

    @property
    def name(self) -> str:
        """As `--arch` has it: the stages that are there, in the order of the benchmark."""
        if self == CRNN:
            return "crnn"
        parts = ("tps" if self.straightened else "", self.features, "bilstm" if self.context else "")
        return "-".join((*filter(None, parts), "attn" if self.attention else "ctc"))

    @property
    def title(self) -> str:
        """As the benchmark writes it, such as None-VGG-BiLSTM-CTC."""
        features = {"vgg": "VGG", "rcnn": "RCNN", "resnet": "ResNet"}[self.features]
        return (
            f"{'TPS' if self.straightened else 'None'}-{features}-"
            f"{'BiLSTM' if self.context else 'None'}-{'Attn' if self.attention else 'CTC'}"
        )

    @property
    def options(self) -> dict[str, int | tuple[int, ...]]:
        """The sizes that this one has, with the benchmark's defaults."""
        sizes: dict[str, int | tuple[int, ...]] = {"channels": 512, "image_channels": 1, "second_looks": ()}
        if self.context or self.attention:
            sizes["hidden"] = 256
        if self.straightened:
            sizes |= {"height": 32, "width": 100, "points": 20}
        if self.attention:
            sizes["max_length"] = 25
        return sizes


CRNN = Stages(straightened=False, features="vgg", context=True, attention=False)

FAMILY = tuple(
    Stages(straightened, features, context, attention)
    for straightened in (False, True)
    for features in FEATURES
    for context in (False, True)
    for attention in (False, True)
)


class FourStage(nn.Module):
    """Line images to class scores.

    Args:
        num_classes: C, the special classes included.
        stages: which of the 24.
        channels: of the last convolutions; the first have a sixteenth or an eighth.
        image_channels: 1 for grey images, 3 for RGB.
        hidden: D, LSTM cells, in the context per direction.
        height: H, where images are straightened; they then have this size only.
        width: W, likewise.
        points: that are looked for along the edges of the text.
        max_length: most symbols that an attention decoder emits.
        second_looks: see `Head`.
    """

    def __init__(
        self,
        num_classes: int,
        stages: Stages,
        *,
        channels: int = 512,
        image_channels: int = 1,
        hidden: int = 256,
        height: int = 32,
        width: int = 100,
        points: int = 20,
        max_length: int = 25,
        second_looks: tuple[int, ...] = (),
    ) -> None:
        super().__init__()
        least = 16 if stages.features == "resnet" else 8
        if channels < least or channels % least:
            raise ValueError(f"channels is {channels}; it must be a positive multiple of {least}")
        if image_channels not in (1, 3):
            raise ValueError(f"image_channels is {image_channels}; it can be 1 or 3")
        if hidden < 1:
            raise ValueError(f"hidden is {hidden}; it must be at least 1")
        if not 1 <= max_length <= LONGEST_TEXT:
            raise ValueError(f"max_length is {max_length}; it must be from 1 to {LONGEST_TEXT}")
        make_features, self._more_columns, self.EARLY = FEATURES[stages.features]
        self.stages, self.max_length = stages, max_length
        self.classes: LayoutKind = "attention" if stages.attention else "ctc"
        self.fixed_width = width if stages.straightened else None
        """W in px, or None where any is read."""
        if stages.straightened:
            for name, side in (("height", height), ("width", width)):
                if not 32 <= side <= LARGEST_SIDE:
                    raise ValueError(f"{name} is {side}; it must be from 32 to {LARGEST_SIDE}")
            if points not in range(4, MOST_POINTS + 1, 2):
                raise ValueError(f"points is {points}; it must be an even number from 4 to {MOST_POINTS}")
            self.rectifier = Rectifier(image_channels, height, width, points)
        self.features = make_features(image_channels, channels)
        self.sequence = nn.Sequential()
        columns = channels
        if stages.context:
            self.sequence.extend([BiLSTM(channels, hidden, hidden), BiLSTM(hidden, hidden, hidden)])
            columns = hidden
        if stages.attention:
            self.decoder = Decoder(columns, hidden)
            self.fed = fed_classes(num_classes, hidden)
        self.head = Head(hidden if stages.attention else columns, num_classes, second_looks)

    def forward(self, images: Tensor, before: Tensor | None = None) -> Tensor:
        """(N, image_channels, H, W) normalised to -1..1 to (N, T, C) logits, or (N, S, C) with attention.

        Args:
            images: H is a multiple of 16 from 32 on, W at least 8, or both the fixed ones.
            before: (N, S), with attention in training: the class before each step. Without it the best class
                of each step is fed to the next, for `max_length` symbols and the end.
        """
        x = self.rectifier(images) if self.stages.straightened else images
        # The reference pools the height adaptively; at any H this mean is the same and exports.
        x = self.features(x).mean(2).transpose(1, 2)  # (N, T, channels)
        x = self.sequence(x)
        if not self.stages.attention:
            return self.head(x)
        if before is None:
            return self.decoder.greedy(x, self.fed, self.head, self.max_length + 1)
        return self.head(self.decoder(x, self.fed(before)))

    def steps(self, width: int) -> int:
        """T, or S with attention, for an input of `width` px."""
        return self.max_length + 1 if self.stages.attention else width // 4 + self._more_columns
