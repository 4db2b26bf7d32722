"""The state of a run on disk: all that `--resume` needs to go on as if nothing had happened.

It is written whole or not at all, holds tensors and plain values only, and is never shipped.
"""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from pydantic import TypeAdapter
from torch import nn
from torch.optim import Optimizer

from ocrtune.bundle import replace_directory
from ocrtune.errors import InputError
from ocrtune.train.averaging import WeightAverage

STATE_FOLDER = "state"
_TENSORS = "state.pt"


@dataclass(slots=True)
class Position:
    """Where a run stands, and what it has seen of itself so far."""

    epoch: int = 0
    batch: int = 0
    """Batches done in this epoch."""
    step: int = 0
    """Batches done in all."""
    visits: int = 0
    """Lines trained on in all: the schedule's clock."""
    seconds: float = 0.0
    """Training time, without the time between runs."""
    loss_sum: float = 0.0
    """Of the lines since the last validation; so are the four that follow."""
    loss_lines: int = 0
    edits: int = 0
    symbols: int = 0
    epoch_seconds: float = 0.0
    best_score: tuple[float, ...] = (float("inf"),)
    """Of `best`: of the validations that the guard allows."""
    best_reached: tuple[float, ...] = (float("inf"),)
    """Of all validations: what tells whether training still gains."""
    checks_without_gain: int = 0
    pixels: int | None = None
    """Limit of the pieces of a batch, once memory has set one."""
    loss_scale: float = 2.0**16
    """What the loss is multiplied by in fp16."""
    new_symbols_learned: bool = False
    """Whether the head has learned the symbols that the base does not know."""
    base_exact: float = 0.0
    """What step 0 read of the lines that validate."""
    replay_pass: int = 0
    """Times that the replayed lines have all been had."""
    replay_batch: int = 0
    """Batches had of them since."""
    replay_sum: float = 0.0
    """Loss of the replayed batches since the last validation, and their number."""
    replay_batches: int = 0

    @property
    def lines_per_second(self) -> float:
        """Of all processes, since the last validation."""
        return self.loss_lines / self.epoch_seconds if self.epoch_seconds else 0.0

    def forget_sums(self) -> None:
        """Start new sums after a validation."""
        self.loss_sum, self.loss_lines, self.edits, self.symbols = 0.0, 0, 0, 0
        self.replay_sum, self.replay_batches = 0.0, 0
        self.epoch_seconds = 0.0


def save_state(
    folder: Path, position: Position, network: nn.Module, average: WeightAverage, optimizer: Optimizer
) -> None:
    """Write the state of the run in `folder`, replacing the one before.

    Raises:
        InputError: the disk refuses; the state before is then still there.
    """
    content = {
        "position": asdict(position),
        "network": network.state_dict(),
        "average": average.network.state_dict(),
        "average_updates": average.updates,
        "optimizer": optimizer.state_dict(),
        "random": torch.get_rng_state(),
    }
    try:
        with tempfile.TemporaryDirectory(prefix=f".{STATE_FOLDER}-", dir=folder) as parent:
            staging = Path(parent) / STATE_FOLDER
            staging.mkdir()
            torch.save(content, staging / _TENSORS)
            replace_directory(staging, folder / STATE_FOLDER)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
        raise InputError(
            f"cannot save the state of the run in {folder}: {_reason(error)}; free space and --resume"
        ) from error


def load_state(folder: Path, network: nn.Module, average: WeightAverage, optimizer: Optimizer) -> Position:
    """Put everything back as it was saved, in place.

    Raises:
        InputError: there is no state, or it does not fit this run.
    """
    path = folder / STATE_FOLDER / _TENSORS
    if not path.is_file():
        raise InputError(f"{folder} holds no state to resume from; start again with --overwrite")
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    # Their own words advise to load the file even if it runs code.
    except (OSError, EOFError, RuntimeError, LookupError, ValueError, UnpicklingError) as error:
        raise _unusable(folder, f"{path.name} is damaged, or holds more than plain values") from error
    try:
        network.load_state_dict(state["network"])
        average.network.load_state_dict(state["average"])
        average.updates = int(state["average_updates"])
        optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["random"])
        names = {field.name for field in fields(Position)}
        if set(state["position"]) != names:
            raise KeyError("position")
        return TypeAdapter(Position).validate_python(state["position"])
    except (RuntimeError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise _unusable(folder, _reason(error)) from error


def _unusable(folder: Path, reason: str) -> InputError:
    return InputError(
        f"the state in {folder / STATE_FOLDER} cannot be used: {reason}; "
        f"train anew into another folder, with --base {folder} to keep what was learned"
    )


def _reason(error: Exception) -> str:
    """An error on one line; torch lists every tensor, and C++ traces."""
    return " ".join(str(error).split())[:200]
