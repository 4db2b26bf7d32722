"""The figures of a run for TensorBoard, where the package `tensorboard` is installed."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

from ocrtune.errors import InputError

EVENTS_FOLDER = "tensorboard"
"""In a run's folder; `tensorboard --logdir` of that, or of a folder with many runs, shows the curves."""


class Events:
    """Writes one run's figures; without the package it does nothing.

    Args:
        run: folder of the run.
        resumed_after: batches after which it goes on, and takes later figures back; None for a new run.
        writes: whether this process is the one that writes.
    """

    def __init__(self, run: Path, resumed_after: int | None, *, writes: bool) -> None:
        self._folder = run / EVENTS_FOLDER
        self._purge = None if resumed_after is None else resumed_after + 1
        self._writes = writes and importlib.util.find_spec("tensorboard") is not None
        self._writer: Any = None

    def add_last_row(self, metrics_file: Path) -> None:
        """Add the figures of the last validation, by their names in `metrics.jsonl`.

        Raises:
            InputError: the disk refuses.
        """
        if not self._writes:
            return
        row = json.loads(metrics_file.read_text(encoding="utf-8").splitlines()[-1])
        step = row.pop("step")
        try:
            if self._writer is None:
                from torch.utils.tensorboard import SummaryWriter  # imports the package, so only here

                self._writer = SummaryWriter(str(self._folder), purge_step=self._purge)
            for name, value in row.items():
                if value is not None:
                    self._writer.add_scalar(name, value, step)
            self._writer.flush()  # a run that is killed has shown what it knew
        except OSError as error:
            raise InputError(
                f"cannot write to {self._folder}: {error.strerror}; free space and --resume"
            ) from error

    def close(self) -> None:
        """End the thread that writes."""
        if self._writer is not None:
            self._writer.close()
