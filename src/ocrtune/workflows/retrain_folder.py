"""The folder of a retraining: what it was made of and what was found, so that it goes on where it was."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ocrtune.config import RetrainConfig
from ocrtune.errors import InputError
from ocrtune.evaluate.paired import Paired
from ocrtune.output import write_json

RECORD = "retrain.json"
"""What the folder was made of and what was found; also the mark of a folder that may be replaced."""

_OWN = {RECORD, "dataset", "split", "run"}

Report = Callable[[str], None]
"""Takes one line of progress."""


class RetrainFolder:
    """The output folder and its record.

    Args:
        config: all options.

    Raises:
        InputError: the folder holds something else.
    """

    def __init__(self, config: RetrainConfig) -> None:
        self.path = config.output
        self._record = self._stored()
        if config.overwrite:
            base = None if config.base is None else Path(config.base).resolve()
            if base is not None and base.is_relative_to(self.path.resolve()):
                raise InputError(
                    f"--overwrite would delete --base {config.base}; name another folder with -o"
                )
            self._record = {}
            for name in _OWN:
                place = self.path / name
                shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)

    @property
    def base(self) -> str | None:
        """What the run here started from; None before it."""
        return self._record.get("started_from")

    @property
    def is_finished(self) -> bool:
        """Whether both models were compared."""
        return "found" in self._record

    @property
    def summaries(self) -> list[str]:
        """The comparison in words."""
        return list(self._record["summaries"])

    @property
    def shortcomings(self) -> list[str]:
        """Why the new model is not better; empty if it is."""
        return list(self._record["shortcomings"])

    def begin(self, made_of: dict[str, Any], base: str, report: Report) -> None:
        """Write down what the folder is made of, or see that it is made of the same.

        Raises:
            InputError: it is not.
        """
        if not self._record:
            self._record = {"started_from": base, "made_of": made_of}
            self._write()
            return
        stored = self._record["made_of"]
        differing = sorted(name for name in made_of if stored.get(name) != made_of[name])
        if differing == ["corrections"] and not self.is_finished:
            report("going on with the corrections that this began with; later changes are for the next time")
        elif differing:
            raise InputError(
                f"{self.path} was made with other {', '.join(differing)}; choose another name with -o, or "
                "add --overwrite"
            )

    def finish(self, compared: Sequence[Paired], shortcomings: list[str]) -> None:
        """Write down what was found."""
        self._record |= {
            "found": [each.to_json() for each in compared],
            "summaries": [each.summary() for each in compared],
            "shortcomings": shortcomings,
        }
        self._write()

    def _write(self) -> None:
        write_json(self.path / RECORD, self._record, overwrite=True)

    def _stored(self) -> dict[str, Any]:
        """The record of an earlier call; empty where there is none."""
        if not self.path.exists():
            return {}
        record = self.path / RECORD
        names = {file.name for file in self.path.iterdir()} if self.path.is_dir() else {""}
        # What a killed stage was writing is never missed.
        left = {name for name in names if name.startswith(tuple(f".{own}-" for own in _OWN))}
        names -= left
        if names and not (record.is_file() and names <= _OWN):
            raise InputError(f"{self.path} is no folder of a retraining; choose another name with -o")
        for name in left:
            place = self.path / name
            shutil.rmtree(place) if place.is_dir() else place.unlink()
        if not names:
            return {}
        try:
            stored = json.loads(record.read_bytes())
            return {"started_from": str(stored["started_from"]), "made_of": dict(stored["made_of"]), **stored}
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise InputError(f"{record} cannot be read: {error}; choose another name with -o") from error
