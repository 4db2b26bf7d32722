"""How far training moves each part of a network: what is frozen, rates by depth, decay, the anchor."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import nn

from ocrtune.models import FED, HEAD

BACKBONE = ("stem.", "blocks.", "features.", "rectifier.")
"""Names that image features start with, in every network; what is left is context along the line."""
CLASS_INDEXED = (HEAD, FED)
"""Names of what has a row for each class, which new symbols start from nothing or from a look-alike."""


def freeze_early(network: nn.Module) -> None:
    """Leave a network's `EARLY` weights as they are.

    Edges and strokes are the same on any material, and these layers see the largest maps: without
    their gradients a step of PP-OCRv6 takes a sixth less time.
    """
    early = cast("tuple[str, ...]", network.EARLY)
    for name, parameter in network.named_parameters():
        if name.startswith(early):
            parameter.requires_grad_(False)


def parameter_groups(
    network: nn.Module, backbone_rate: float, head_rate: float, weight_decay: float
) -> list[dict[str, Any]]:
    """Groups of all weights that are not frozen, each with its `rate`: a factor of the learning rate.

    Matrices and kernels decay; biases and norms do not, since they set levels and not sizes.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        rate = (
            head_rate
            if name.startswith(CLASS_INDEXED)
            else backbone_rate
            if name.startswith(BACKBONE)
            else 1.0
        )
        decay = weight_decay if parameter.ndim >= 2 else 0.0
        groups.setdefault((rate, decay), []).append(parameter)
    return [
        {"params": parameters, "rate": rate, "weight_decay": decay}
        for (rate, decay), parameters in groups.items()
    ]


class Anchor:
    """Pulls all weights but the head's back to where they started, a little after every step.

    A thousand lines show few words and shapes; without the pull the base forgets the others, and reads
    new lines of the very same material worse than before. L2-SP (Li et al. 2018), applied beside the
    gradient as AdamW applies its decay.

    Args:
        network: its weights now are the start.
        strength: share of the way back per step, at the peak of the learning rate.
    """

    def __init__(self, network: nn.Module, strength: float) -> None:
        self.strength = strength
        self._weights = [
            p
            for name, p in network.named_parameters()
            if p.requires_grad and not name.startswith(CLASS_INDEXED)
        ]
        self._start = [weight.detach().clone() for weight in self._weights]

    @torch.no_grad()
    def pull(self, rate: float) -> None:
        """Go back; `rate` is the learning rate of this step over its peak."""
        if self.strength:
            torch._foreach_lerp_(self._weights, self._start, self.strength * rate)
