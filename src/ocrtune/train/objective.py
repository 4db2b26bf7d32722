"""The training objective, and the greedy reading that goes with it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from rapidfuzz.distance import Levenshtein
from torch import Tensor
from torch.nn import functional as F


def ctc_loss(logits: Tensor, targets: Tensor, target_lengths: Tensor) -> Tensor:
    """CTC loss of each line (Graves et al. 2006), in float32 whatever the logits are.

    Computed from probabilities or in bf16 the log loses the digits that the gradient needs.

    Args:
        logits: (N, T, C), class 0 is the blank.
        targets: classes of all labels, one after another.
        target_lengths: (N,)

    Returns:
        (N,) negative log probability of each label; 0 where a label has no alignment.
    """
    log_probs = logits.float().log_softmax(2).transpose(0, 1)  # (T, N, C)
    steps = torch.full((logits.shape[0],), logits.shape[1], dtype=torch.long)
    return F.ctc_loss(log_probs, targets, steps, target_lengths, reduction="none", zero_infinity=True)


def per_symbol(loss: Tensor, target_lengths: Tensor) -> Tensor:
    """Each line's loss over its symbols, so that a long line does not outweigh a short one."""
    return loss / target_lengths.clamp(min=1)


def greedy_edits(
    logits: Tensor, targets: npt.NDArray[np.int64], target_lengths: npt.NDArray[np.int64]
) -> tuple[int, int]:
    """Edits between the greedy reading of (N, T, C) logits and the labels, and the labels' symbols."""
    best = logits.argmax(2).cpu().numpy()  # (N, T)
    edits = 0
    for classes, label in zip(best, np.split(targets, np.cumsum(target_lengths)[:-1]), strict=True):
        emitted = classes[(np.diff(classes, prepend=0) != 0) & (classes != 0)]
        edits += Levenshtein.distance(emitted.tolist(), label.tolist())
    return edits, len(targets)
