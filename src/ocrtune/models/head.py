"""The scores of the classes: the last layer of every network."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

NEVER = -1e4
"""Score of a look that a class does not have: a probability of 0."""


class Head(nn.Linear):
    """Features (N, T, D) to class scores (N, T, C).

    A class may have a second look: where labels write capitals whatever the print, "A" and "a" are
    two looks of one class. Their probabilities add up, so each is read as well as before.

    Args:
        in_features: D.
        num_classes: C.
        second_looks: the classes that have one; row C + i of the weights scores that of the i-th.
    """

    def __init__(self, in_features: int, num_classes: int, second_looks: tuple[int, ...] = ()) -> None:
        if len(set(second_looks)) != len(second_looks):
            raise ValueError("second_looks names a class twice")
        if not all(0 <= class_index < num_classes for class_index in second_looks):
            raise ValueError(f"second_looks names a class that is not below {num_classes}")
        super().__init__(in_features, num_classes + len(second_looks))
        self.num_classes = num_classes
        self.second_looks = second_looks

    def forward(self, features: Tensor) -> Tensor:
        scores = super().forward(features)
        if not self.second_looks:
            return scores
        rows = [self.out_features] * self.num_classes  # the one that is padded on
        for row, class_index in enumerate(self.second_looks, start=self.num_classes):
            rows[class_index] = row
        looks = F.pad(scores.float(), (0, 1), value=NEVER)
        second = looks.index_select(2, torch.tensor(rows, device=looks.device))
        return torch.stack((looks[..., : self.num_classes], second)).logsumexp(0)
