"""From the end of a run back towards its start: the nearest weights that keep what was gained.

For runs that validate on made lines. Those tell what was learned of words, symbols and shapes; what was
forgotten of real print they cannot show, and the further the weights have moved, the more of it there is.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from ocrtune.train.validation import Validator

KEPT = 0.95
"""Of the error rate that training took away, on the lines that validate (log 2026-11-25)."""

SHARES = (0.6, 0.7, 0.8, 0.9)
"""Of the way from the start to the end, tried in this order. Nearer than 0.6, made lines are still read where
real ones no longer are: plates lost 14 points at 0.3 (log 2026-11-25)."""

Weights = Mapping[str, torch.Tensor]


def copied_weights(network: nn.Module) -> Weights:
    """The weights and statistics of a network as they are now."""
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


@torch.no_grad()
def go_back(
    network: nn.Module, start: Weights, validator: Validator, bf16: bool, layout: torch.memory_format
) -> float:
    """Move a network to the nearest point to its start that keeps `KEPT` of the gain.

    Weight interpolation (Wortsman et al. 2022, WiSE-FT), with the share found instead of given.

    Args:
        network: as training left it; its weights are replaced.
        start: the weights that training began with.
        validator: reads the lines that the gain is measured on.
        bf16: whether it reads in that precision.
        layout: of its images in memory.

    Returns:
        The share of the way from the start that is left: one of `SHARES`, or 1.
    """
    end = copied_weights(network)

    def error_at(share: float) -> float:
        network.load_state_dict({name: _between(start[name], end[name], share) for name in end})
        return validator.score(network, bf16, layout).metrics.cer

    first, last = error_at(0.0), error_at(1.0)
    allowed = last + (1 - KEPT) * max(0.0, first - last)
    for share in SHARES:
        if error_at(share) <= allowed:
            return share
    error_at(1.0)
    return 1.0


def describe_share(share: float) -> str:
    """What `go_back` did, for the user."""
    if share == 1:
        return f"only made lines validate: nowhere nearer to the base {KEPT:.0%} of what was gained stays"
    return (
        f"only made lines validate: kept {share:.0%} of the way from the base, the nearest to it that keeps "
        f"{KEPT:.0%} of what was gained on them (--way-back never keeps all of the way)"
    )


def _between(start: torch.Tensor, end: torch.Tensor, share: float) -> torch.Tensor:
    return start.to(end).lerp(end, share) if end.is_floating_point() else end
