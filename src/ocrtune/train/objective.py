"""The training objective of each class layout, and the greedy reading that goes with it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from rapidfuzz.distance import Levenshtein
from torch import Tensor, nn
from torch.nn import functional as F

from ocrtune.decoding import ClassLayout

NEVER = -1e4
"""A logit that leaves no probability. Of minus infinity the gradient of CTC is not a number."""

IGNORED = -100
"""Behind the end of a label nothing is wanted of an attention decoder; `F.cross_entropy`'s own value."""


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


def fed_and_wanted(targets: Tensor, target_lengths: Tensor, layout: ClassLayout) -> tuple[Tensor, Tensor]:
    """What an attention decoder is fed at each step, and what it should answer.

    Args:
        targets: classes of all labels, one after another.
        target_lengths: (N,)
        layout: of an attention decoder.

    Returns:
        (N, S) classes before each step, the start first; (N, S) classes wanted, the end behind the last
        symbol and `IGNORED` behind the end. S is one more than the longest label has symbols.
    """
    longest = int(target_lengths.max())
    places = torch.arange(longest + 1, device=targets.device)
    inside = places[:longest] < target_lengths[:, None]  # (N, S - 1)
    labels = torch.full_like(inside, layout.end, dtype=torch.long)
    labels[inside] = targets
    fed = F.pad(labels, (1, 0), value=layout.start)
    wanted = F.pad(labels, (0, 1), value=layout.end)
    return fed, wanted.masked_fill(places > target_lengths[:, None], IGNORED)


def attention_loss(logits: Tensor, wanted: Tensor) -> Tensor:
    """Negative log probability of each label and its end, (N,), in float32 whatever the logits are.

    Args:
        logits: (N, S, C), each step fed the class before as the label has it.
        wanted: (N, S), from `fed_and_wanted`.
    """
    losses = F.cross_entropy(
        logits.float().transpose(1, 2), wanted, reduction="none", ignore_index=IGNORED
    )  # (N, S)
    return losses.sum(1)


def predict(
    model: nn.Module, images: Tensor, targets: Tensor, target_lengths: Tensor, layout: ClassLayout
) -> Tensor:
    """Logits (N, T, C) to learn from; an attention decoder is fed the labels (Williams and Zipser 1989)."""
    if layout.kind == "ctc":
        return model(images)
    return model(images, fed_and_wanted(targets, target_lengths, layout)[0])


def line_losses(logits: Tensor, targets: Tensor, target_lengths: Tensor, layout: ClassLayout) -> Tensor:
    """Negative log probability of each label, (N,), from the logits of `predict`."""
    if layout.kind == "ctc":
        return ctc_loss(logits, targets, target_lengths)
    return attention_loss(logits, fed_and_wanted(targets, target_lengths, layout)[1])


def in_either_case(logits: Tensor, pairs: tuple[tuple[int, int], ...]) -> Tensor:
    """Logits in which a letter of the labels' case has the probability of both its cases.

    Labels that write capitals whatever the print do not tell the case, and a network that has both must not
    unlearn it from them.

    Args:
        logits: (N, T, C)
        pairs: from `case_pairs`; without any the logits stay as they are.

    Returns:
        (N, T, C) in float32; the other case of each letter has no probability left.
    """
    if not pairs:
        return logits
    wanted, other = torch.tensor(pairs, device=logits.device).T
    logits = logits.float()
    both = torch.logaddexp(logits[..., wanted], logits[..., other])
    return logits.index_copy(2, wanted, both).index_fill(2, other, NEVER)


def per_symbol(loss: Tensor, target_lengths: Tensor) -> Tensor:
    """Each line's loss over its symbols, so that a long line does not outweigh a short one."""
    return loss / target_lengths.clamp(min=1)


def greedy_edits(
    logits: Tensor,
    targets: npt.NDArray[np.int64],
    target_lengths: npt.NDArray[np.int64],
    layout: ClassLayout,
) -> tuple[int, int]:
    """Edits between the greedy reading of (N, T, C) logits and the labels, and the labels' symbols.

    Of an attention decoder that was fed the labels it counts the steps it would get wrong.
    """
    best = logits.argmax(2).cpu().numpy()  # (N, T)
    edits = 0
    for classes, label in zip(best, np.split(targets, np.cumsum(target_lengths)[:-1]), strict=True):
        edits += Levenshtein.distance(layout.emitted(classes), label.tolist())
    return edits, len(targets)
