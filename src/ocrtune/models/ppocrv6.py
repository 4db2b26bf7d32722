"""PP-OCRv6 small, the recogniser of PaddleOCR 3.x, in PyTorch.

Written from the released ONNX graph (the PP-LCNetV4 backbone with its branches already fused,
and the "lightsvtr" neck). Module order follows the graph's node order: `convert/ppocr.py` maps
weights by that order.

Letters: N lines, H height, W width, T time steps, D neck width, C classes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ocrtune.models.head import Head

STAGES = ((96, 3), (192, 6), (384, 2))
"""Channels and blocks of the three stages; between stages the height is halved, not the width."""
NECK_WIDTH = 120
NECK_HEADS = 8
NECK_DEPTH = 2
HARD_SIGMOID_SLOPE = 0.16666670143604279  # the released graph's; F.hardsigmoid has 1/6


def gelu(x: Tensor) -> Tensor:
    """The exact GELU (Hendrycks and Gimpel 2016) of (N, C, H, W).

    PyTorch's quick kernel takes contiguous tensors only, which a channels-last one is when seen as
    (N, H, W, C).
    """
    if x.is_contiguous(memory_format=torch.channels_last):
        return F.gelu(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    return F.gelu(x)


class SameConv2x2(nn.Conv2d):
    """2x2 convolution that keeps the size: pads right and bottom, as ONNX's SAME_UPPER does."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, kernel_size=2)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, (0, 1, 0, 1)))


class Stem(nn.Module):
    """Two strided convolutions with a small detail branch between: (N, 3, H, W) to (N, 96, H/4, W/4)."""

    def __init__(self) -> None:
        super().__init__()
        self.down1 = nn.Conv2d(3, 48, 3, stride=2, padding=1)
        self.detail1 = SameConv2x2(48, 24)
        self.detail2 = SameConv2x2(24, 48)
        self.down2 = nn.Conv2d(96, 48, 3, stride=2, padding=1)
        self.expand = nn.Conv2d(48, 96, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.down1(x))
        detail = F.relu(self.detail2(F.relu(self.detail1(x))))
        # Zero padding equals ONNX's -inf padding here: after a ReLU nothing is below zero.
        pooled = F.max_pool2d(F.pad(x, (0, 1, 0, 1)), kernel_size=2, stride=1)
        x = F.relu(self.down2(torch.cat((pooled, detail), dim=1)))
        return F.relu(self.expand(x))


class SqueezeExcite(nn.Module):
    """Channel gates from the global mean (Hu et al. 2018), with a hard sigmoid."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, channels // 4, 1)
        self.restore = nn.Conv2d(channels // 4, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        gates = self.restore(F.relu(self.reduce(x.mean((2, 3), keepdim=True))))
        return x * torch.clamp(HARD_SIGMOID_SLOPE * gates + 0.5, 0, 1)


class Block(nn.Module):
    """Depthwise 3x3, optional gates, then a two-layer pointwise MLP with GELU."""

    def __init__(self, in_channels: int, out_channels: int, *, gated: bool, halve_height: bool) -> None:
        super().__init__()
        stride = (2, 1) if halve_height else (1, 1)
        self.depthwise = nn.Conv2d(in_channels, in_channels, 3, stride, padding=1, groups=in_channels)
        self.gates = SqueezeExcite(in_channels) if gated else nn.Identity()
        self.expand = nn.Conv2d(in_channels, 2 * in_channels, 1)
        self.project = nn.Conv2d(2 * in_channels, out_channels, 1)
        self.residual = not halve_height

    def forward(self, x: Tensor) -> Tensor:
        x = self.gates(self.depthwise(x))
        y = self.project(gelu(self.expand(x)))
        return x + y if self.residual else y


def backbone_blocks() -> nn.Sequential:
    """The three stages: (N, 96, H/4, W/4) to (N, 384, H/16, W/4)."""
    blocks = []
    previous = STAGES[0][0]
    for channels, depth in STAGES:
        if channels != previous:
            blocks.append(Block(previous, channels, gated=False, halve_height=True))
        for i in range(depth):
            # Gates sit in every other block, and never in the last one of a stage.
            gated = i % 2 == 0 and i < depth - 1
            blocks.append(Block(channels, channels, gated=gated, halve_height=False))
        previous = channels
    return nn.Sequential(*blocks)


class ConvNormSwish(nn.Module):
    """Convolution without bias, batch norm, swish."""

    def __init__(self, in_channels: int, out_channels: int, *, depthwise_width: int = 0) -> None:
        super().__init__()
        if depthwise_width:
            kernel, padding = (1, depthwise_width), (0, depthwise_width // 2)
            self.conv = nn.Conv2d(
                in_channels, out_channels, kernel, padding=padding, groups=in_channels, bias=False
            )
        else:
            self.conv = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(self.norm(self.conv(x)))


class Attention(nn.Module):
    """Self-attention over time (Vaswani et al. 2017), without positions: any width works."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(NECK_WIDTH, 3 * NECK_WIDTH)
        self.project = nn.Linear(NECK_WIDTH, NECK_WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        lines, steps, width = x.shape
        qkv = self.qkv(x).reshape(lines, steps, 3, NECK_HEADS, width // NECK_HEADS)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each (N, heads, T, D / heads)
        # Written out: on a CPU, with heads of 15 channels, the fused kernel slows a training step by a tenth.
        y = (q * (width // NECK_HEADS) ** -0.5 @ k.transpose(-1, -2)).softmax(-1) @ v
        return self.project(y.transpose(1, 2).reshape(lines, steps, width))


class TransformerBlock(nn.Module):
    """Pre-norm attention and MLP."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(NECK_WIDTH, eps=1e-5)
        self.attention = Attention()
        self.norm2 = nn.LayerNorm(NECK_WIDTH, eps=1e-5)
        self.mlp1 = nn.Linear(NECK_WIDTH, 2 * NECK_WIDTH)
        self.mlp2 = nn.Linear(2 * NECK_WIDTH, NECK_WIDTH)
        self.dropout = nn.Dropout(0.0)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.dropout(self.attention(self.norm1(x)))
        return x + self.dropout(self.mlp2(F.silu(self.mlp1(self.norm2(x)))))


class Neck(nn.Module):
    """Local and global context along the line: (N, 384, 1, T) to (N, T, D)."""

    def __init__(self) -> None:
        super().__init__()
        channels = STAGES[-1][0]
        self.skip = ConvNormSwish(channels, NECK_WIDTH)
        self.reduce = ConvNormSwish(channels, NECK_WIDTH)
        self.local = ConvNormSwish(NECK_WIDTH, NECK_WIDTH, depthwise_width=7)
        self.blocks = nn.Sequential(*(TransformerBlock() for _ in range(NECK_DEPTH)))
        self.norm = nn.LayerNorm(NECK_WIDTH, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        skip = self.skip(x).squeeze(2).transpose(1, 2)  # (N, T, D)
        x = self.reduce(x)
        x = x + self.local(x)
        x = x.squeeze(2).transpose(1, 2)  # (N, T, D)
        return self.norm(self.blocks(x)) + skip


class PPOCRv6Small(nn.Module):
    """Line images to class scores, CTC.

    Args:
        num_classes: C, the blank included.
        time_stride: px of input width per time step. The released network has 8; 4 keeps the
            last pooling from merging steps, for material with narrow repeats ("lll", "....").
        second_looks: see `Head`.
    """

    EARLY = ("stem.", *(f"blocks.{i}." for i in range(STAGES[0][1] + 1)))
    classes = "ctc"
    fixed_width = None

    def __init__(self, num_classes: int, time_stride: int = 8, second_looks: tuple[int, ...] = ()) -> None:
        super().__init__()
        if time_stride not in (4, 8):
            raise ValueError(f"time_stride is {time_stride}; it can be 4 or 8")
        self.time_stride = time_stride
        self.stem = Stem()
        self.blocks = backbone_blocks()
        self.neck = Neck()
        self.dropout = nn.Dropout(0.0)
        self.head = Head(NECK_WIDTH, num_classes, second_looks)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, 48, W) normalised to -1..1 BGR, to (N, T, C) logits."""
        x = self.blocks(self.stem(images))  # (N, 384, 3, ceil(W / 4))
        window = (3, self.time_stride // 4)
        x = F.avg_pool2d(x, kernel_size=window, stride=window)  # (N, 384, 1, T)
        return self.head(self.dropout(self.neck(x)))

    def steps(self, width: int) -> int:
        """T for an input of `width` px."""
        return -(-width // 4) // (self.time_stride // 4)
