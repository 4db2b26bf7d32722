"""The precision that networks compute in; losses are in float32 in all of them."""

from __future__ import annotations

from typing import Any, Literal

import torch

Precision = Literal["fp32", "bf16", "fp16"]


def autocast(device: torch.device | str, precision: Precision) -> Any:
    """A context in which a network computes in `precision`."""
    kind = device if isinstance(device, str) else device.type
    dtype = torch.float16 if precision == "fp16" else torch.bfloat16
    return torch.autocast(kind, dtype, enabled=precision != "fp32")
