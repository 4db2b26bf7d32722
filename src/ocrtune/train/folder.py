"""A run's folder: its configuration, figures and bundles, each complete or not there at all."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from torch import nn

from ocrtune.bundle import Manifest, ModelBundle, replace_directory, replaced_directory, write_bundle
from ocrtune.config import TrainConfig
from ocrtune.convert.onnx_export import export_onnx, verify_onnx
from ocrtune.data.rejects import SKIPPED_FILE, Reject, write_skipped
from ocrtune.errors import InputError
from ocrtune.output import write_text
from ocrtune.reading.models import BASE
from ocrtune.records import Image
from ocrtune.train.curves import draw_curves
from ocrtune.train.events import EVENTS_FOLDER
from ocrtune.train.recipe import Recipe
from ocrtune.train.state import STATE_FOLDER

CONFIG_FILE = "config.yaml"
RECIPE_FILE = "recipe.json"
METRICS_FILE = "metrics.jsonl"
CURVES_FILE = "curves.png"
BEST, LAST = "best", "last"
EXPORT = "export"
"""In the dotted name of the folder where an ONNX file waits for its check."""
RUN_FILES = (
    *(CONFIG_FILE, RECIPE_FILE, METRICS_FILE, CURVES_FILE, SKIPPED_FILE),
    *(BEST, LAST, STATE_FOLDER, EVENTS_FOLDER),
)

_BEFORE_CONFIG = (
    SKIPPED_FILE,
    RECIPE_FILE,
    *(f".{name}-" for name in (SKIPPED_FILE, RECIPE_FILE, CONFIG_FILE)),
)
"""Beginnings of names in the folder of a run that was killed before its configuration was written."""

FREE_IN_RESUME = frozenset({"output", "overwrite", "max_minutes", "workers"})
"""Options that may differ in a resumed run: they do not change what it computes."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder `path` of one run."""

    path: Path

    def check_free(self, config: TrainConfig) -> None:
        """Refuse a folder that holds something.

        Raises:
            InputError: it holds a run and `--overwrite` is not given, or the base itself, or something
                else.
        """
        if not self.path.exists():
            return
        if not self.path.is_dir():
            raise InputError(f"-o {self.path} is a file; name a folder for the run")
        if (self.path / CONFIG_FILE).exists():
            if not config.overwrite:
                raise InputError(f"{self.path} holds a run: add --resume to continue it, or --overwrite")
            if config.base not in (BASE, "none") and _is_within(Path(config.base), self.path):
                raise InputError(
                    f"--overwrite would delete --base {config.base}; name another folder with -o"
                )
        elif any(not path.name.startswith(_BEFORE_CONFIG) for path in self.path.iterdir()):
            raise InputError(f"{self.path} is not empty and not a run; name another folder with -o")

    def begin(self, config: TrainConfig, recipe: Recipe, rejects: Iterable[Reject]) -> None:
        """Make the folder for a new run; the files of an older run go away."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.recover()
            for name in reversed(RUN_FILES):  # the configuration last: killed before, it is still a run
                old = self.path / name
                if old.is_dir():
                    shutil.rmtree(old)
                else:
                    old.unlink(missing_ok=True)
        except OSError as error:
            raise InputError(
                f"cannot use {self.path} for the run: {error.strerror}; name another folder with -o"
            ) from error
        write_skipped(self.path / SKIPPED_FILE, rejects)
        write_text(self.path / RECIPE_FILE, recipe.model_dump_json(indent=1), overwrite=True)
        write_text(self.path / CONFIG_FILE, config.to_yaml(), overwrite=True)

    def recover(self) -> None:
        """Tidy what a killed run left: half-written files go, a replaced folder without successor returns."""
        for name in (BEST, LAST, STATE_FOLDER):
            old = replaced_directory(self.path / name)
            if old.is_dir() and not (self.path / name).exists():
                old.rename(self.path / name)
        prefixes = tuple(f".{name}-" for name in (*RUN_FILES, EXPORT))
        for left in self.path.iterdir():
            if left.name.startswith(prefixes):
                if left.is_dir():
                    shutil.rmtree(left)
                else:
                    left.unlink()

    def stored_config(self, given: TrainConfig) -> TrainConfig:
        """The configuration that the run began with.

        Raises:
            InputError: there is no run here, or `given` asks for something else.
        """
        if not (self.path / CONFIG_FILE).is_file():
            raise InputError(f"{self.path} holds no run to resume; leave --resume out to start one")
        if given.overwrite:
            raise InputError("--resume continues a run and --overwrite deletes it; give one of them")
        stored = TrainConfig.from_yaml(self.path / CONFIG_FILE)
        changes: dict[str, Any] = {}
        for name in given.model_fields_set:
            wanted, was = getattr(given, name), getattr(stored, name)
            if wanted == was:
                continue
            if name not in FREE_IN_RESUME:
                option = name.replace("_", "-")
                raise InputError(
                    f"--{option} {wanted} differs from the run in {self.path}, which has {was}; "
                    "leave it out to resume, or start a new run"
                )
            changes[name] = wanted
        return stored.model_copy(update=changes)

    def check_lines(self, digests: dict[str, str]) -> None:
        """Refuse to go on with other labels than the run began with.

        Raises:
            InputError: naming the first dataset that changed: batches would differ, and maybe symbols.
        """
        if not (self.path / LAST).is_dir():
            return  # it ended before its first save, and has no state either
        began = ModelBundle.open(self.path / LAST).manifest.data
        for name, digest in digests.items():
            if began.get(name) != digest:
                raise InputError(
                    f"the labels of {name} are not those that the run in {self.path} began with; restore "
                    f"them, or train anew into another folder with --base {self.path}"
                )

    def stored_recipe(self) -> Recipe:
        """The choices that the run began with."""
        path = self.path / RECIPE_FILE
        try:
            return Recipe.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            reason = error.strerror if isinstance(error, OSError) else error.errors()[0]["msg"]
            raise InputError(f"{path} cannot be read: {reason}; train again with --overwrite") from error

    def save_bundle(
        self, name: str, network: nn.Module, manifest: Manifest, images: Sequence[Image]
    ) -> ModelBundle:
        """Write the bundle `name`, with an ONNX file that reads `images` as `network` does.

        Raises:
            BarError: it does not.
            InputError: the disk refuses; the bundle before is then still there.
        """
        try:
            staging = Path(tempfile.mkdtemp(prefix=f".{EXPORT}-", dir=self.path))
        except OSError as error:
            raise InputError(f"cannot write to {self.path}: {error}; free space") from error
        try:
            onnx_file = staging / "model.onnx"
            export_onnx(network, manifest, onnx_file)
            verify_onnx(network, manifest, onnx_file, images)
            weights = {n: w.detach().cpu().contiguous().numpy() for n, w in network.state_dict().items()}
            return write_bundle(self.path / name, manifest, weights, onnx_file)
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def copy_last_to_best(self) -> None:
        """Make `best` the bundle that `last` is."""
        try:
            with tempfile.TemporaryDirectory(prefix=".best-", dir=self.path) as folder:
                staging = Path(folder) / BEST
                shutil.copytree(self.path / LAST, staging)
                replace_directory(staging, self.path / BEST)
        except OSError as error:
            # copytree collects the errors of single files in a list of its own.
            reason = error.args[0][0][2] if isinstance(error, shutil.Error) else error.strerror
            raise InputError(f"cannot write {self.path / BEST}: {reason}; free space and --resume") from error

    def record(self, row: dict[str, Any]) -> None:
        """Add a row to metrics.jsonl and redraw the curves.

        A resumed run repeats what came after its last saved state: rows from there on are replaced.
        """
        path = self.path / METRICS_FILE
        try:
            rows = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
            kept = [line for line in rows if json.loads(line)["step"] < row["step"]]
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} is damaged ({error}); delete it, then --resume") from error
        write_text(path, "\n".join([*kept, json.dumps(row)]) + "\n", overwrite=True)
        draw_curves(path, self.path / CURVES_FILE)


def _is_within(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())
