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

from ocrtune.bundle import Manifest, ModelBundle, replace_directory, write_bundle
from ocrtune.config import TrainConfig
from ocrtune.convert.onnx_export import export_onnx, verify_onnx
from ocrtune.data.rejects import Reject, write_skipped
from ocrtune.errors import InputError
from ocrtune.records import Image
from ocrtune.train.curves import draw_curves
from ocrtune.train.recipe import Recipe
from ocrtune.train.state import STATE_FOLDER

CONFIG_FILE = "config.yaml"
RECIPE_FILE = "recipe.json"
METRICS_FILE = "metrics.jsonl"
CURVES_FILE = "curves.png"
SKIPPED_FILE = "skipped.tsv"
BEST, LAST = "best", "last"
RUN_FILES = (CONFIG_FILE, RECIPE_FILE, METRICS_FILE, CURVES_FILE, SKIPPED_FILE, BEST, LAST, STATE_FOLDER)

FREE_IN_RESUME = frozenset({"output", "overwrite", "max_minutes", "workers"})
"""Options that may differ in a resumed run: they do not change what it computes."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder `path` of one run."""

    path: Path

    def check_free(self, config: TrainConfig) -> None:
        """Refuse a folder that holds something.

        Raises:
            InputError: it holds a run and `--overwrite` is not given, or it holds something else.
        """
        if not self.path.exists():
            return
        if not self.path.is_dir():
            raise InputError(f"-o {self.path} is a file; name a folder for the run")
        if (self.path / CONFIG_FILE).exists():
            if not config.overwrite:
                raise InputError(f"{self.path} holds a run: add --resume to continue it, or --overwrite")
        elif any(self.path.iterdir()):
            raise InputError(f"{self.path} is not empty and not a run; name another folder with -o")

    def begin(self, config: TrainConfig, recipe: Recipe, rejects: Iterable[Reject]) -> None:
        """Make the folder for a new run; the files of an older run go away."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            for name in RUN_FILES:
                old = self.path / name
                if old.is_dir():
                    shutil.rmtree(old)
                else:
                    old.unlink(missing_ok=True)
        except OSError as error:
            raise InputError(f"cannot use {self.path} for the run: {error}") from error
        write_skipped(self.path / SKIPPED_FILE, rejects)
        self._write(RECIPE_FILE, recipe.model_dump_json(indent=1))
        self._write(CONFIG_FILE, config.to_yaml())

    def stored_config(self, given: TrainConfig) -> TrainConfig:
        """The configuration that the run began with.

        Raises:
            InputError: there is no run here, or `given` asks for something else.
        """
        if not (self.path / CONFIG_FILE).is_file():
            raise InputError(f"{self.path} holds no run to resume; leave --resume out to start one")
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

    def stored_recipe(self) -> Recipe:
        """The choices that the run began with."""
        path = self.path / RECIPE_FILE
        try:
            return Recipe.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise InputError(f"{path} cannot be read ({error}); train again with --overwrite") from error

    def save_bundle(
        self, name: str, network: nn.Module, manifest: Manifest, images: Sequence[Image]
    ) -> ModelBundle:
        """Write the bundle `name`, with an ONNX file that reads `images` as `network` does.

        Raises:
            BarError: it does not.
            InputError: the disk refuses; the bundle before is then still there.
        """
        try:
            staging = Path(tempfile.mkdtemp(prefix=".export-", dir=self.path))
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
        staging = Path(tempfile.mkdtemp(prefix=".best-", dir=self.path))
        try:
            shutil.copytree(self.path / LAST, staging, dirs_exist_ok=True)
            replace_directory(staging, self.path / BEST)
        except OSError as error:
            raise InputError(f"cannot write {self.path / BEST}: {error}; free space") from error
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def record(self, row: dict[str, Any]) -> None:
        """Add a row to metrics.jsonl and redraw the curves.

        A resumed run repeats what came after its last saved state: rows from there on are replaced.
        """
        path = self.path / METRICS_FILE
        rows = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        kept = [line for line in rows if json.loads(line)["step"] < row["step"]]
        self._write(METRICS_FILE, "\n".join([*kept, json.dumps(row)]) + "\n")
        draw_curves(path, self.path / CURVES_FILE)

    def _write(self, name: str, text: str) -> None:
        staging = self.path / f".{name}"
        try:
            staging.write_text(text, encoding="utf-8")
            staging.replace(self.path / name)
        except OSError as error:
            raise InputError(f"cannot write {self.path / name}: {error}; free space") from error
