"""What a run leaves in its folder while it goes on: `last`, `best`, the state, the figures."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import version

import torch
from torch.optim import Optimizer

from ocrtune.bundle import Manifest, ModelBundle
from ocrtune.config import TrainConfig
from ocrtune.data.dataset import LineDataset
from ocrtune.evaluate.metrics import Metrics
from ocrtune.reading.recognizer import OnnxRecognizer
from ocrtune.train.averaging import WeightAverage
from ocrtune.train.folder import BEST, LAST, RunFolder
from ocrtune.train.guard import GuardScore
from ocrtune.train.material import Lines, Start
from ocrtune.train.opening import read_all
from ocrtune.train.recipe import Recipe
from ocrtune.train.state import Position, save_state
from ocrtune.train.validation import Validation, thinned

PARITY_LINES = 4
"""Validation lines replayed through the ONNX file of every save; the last one of a run gets
`FINAL_PARITY_LINES`."""
FINAL_PARITY_LINES = 16


class Keeper:
    """Keeps one run; in a process that does not write, every method but `better_on_all_lines` is idle.

    Args:
        folder: of the run.
        config: its options, for the record.
        start: what training began with.
        lines: of both sides.
        recipe: the choices made.
        writes: whether this process is the one that writes.
    """

    def __init__(
        self,
        folder: RunFolder,
        config: TrainConfig,
        start: Start,
        lines: Lines,
        recipe: Recipe,
        *,
        writes: bool,
    ) -> None:
        self._folder = folder
        self._config = config
        self._start = start
        self._lines = lines
        self._recipe = recipe
        self._writes = writes

    def begin(self) -> None:
        """Make the folder."""
        if self._writes:
            self._folder.begin(self._config, self._recipe, self._lines.rejects)

    def keep(
        self,
        validation: Validation,
        guard: GuardScore | None,
        position: Position,
        average: WeightAverage,
    ) -> None:
        """What was just scored becomes `last`, and `best` if nothing that the guard allows scored better."""
        better = validation.score < position.best_score and (guard is None or guard.is_kept)
        if better:
            position.best_score = validation.score
        # What gains more than the guard allows is of use still: the way back leads through what is allowed.
        gains = validation.score < position.best_reached
        if gains:
            position.best_reached = validation.score
        position.checks_without_gain = 0 if gains else position.checks_without_gain + 1
        figures = {"val": validation.metrics.rates()}
        if guard is not None:
            figures["guard"] = {"exact_match": guard.exact}
        self.save_last(position, average, figures)
        if better and self._writes:
            self._folder.copy_last_to_best()

    def save_last(
        self, position: Position, average: WeightAverage, figures: dict[str, dict[str, float]]
    ) -> None:
        """Make the averaged weights `last`."""
        if not self._writes:
            return
        start = self._start
        manifest = Manifest(
            name=self._folder.path.resolve().name,
            architecture=start.architecture,
            symbols=start.charset.symbols,
            normal_form=start.charset.normal_form,
            classes=start.layout.kind,
            preprocess=start.spec,
            licence=start.licence,
            origin=start.origin,
            parent=start.base.manifest.digest if start.base is not None else None,
            data=self._lines.digests,
            training={
                "ocrtune": version("ocrtune"),
                "torch": str(torch.__version__),
                "position": asdict(position),
                "config": self._config.model_dump(mode="json"),
                "recipe": self._recipe.model_dump(mode="json"),
            },
            metrics=figures,
        )
        images = [line.image for line in thinned(self._lines.val, PARITY_LINES)]
        self._folder.save_bundle(LAST, average.network, manifest, images)

    def save_state(
        self, position: Position, network: torch.nn.Module, average: WeightAverage, optimizer: Optimizer
    ) -> None:
        """Save what a resumed run needs."""
        if self._writes:
            save_state(self._folder.path, position, network, average, optimizer)

    def record(
        self,
        validation: Validation,
        guard: GuardScore | None,
        position: Position,
        loss: float | None,
        train_cer: float | None,
    ) -> None:
        """Add a row to the figures; `loss` and `train_cer` are None before the first step."""
        if not self._writes:
            return
        visits = self._lines.visits(self._recipe.epochs)
        self._folder.record(
            {
                "epoch": round(visits.epochs_of(position.visits), 3),
                "step": position.step,
                "seconds": round(position.seconds, 1),
                "loss": loss,
                "cer": train_cer,
                "val_loss": validation.loss,
                **{f"val_{name}": rate for name, rate in validation.metrics.rates().items()},
                **({} if guard is None else {"guard_exact_match": guard.exact}),
                **(
                    {"replay_loss": position.replay_sum / position.replay_batches}
                    if position.replay_batches
                    else {}
                ),
                "lines_per_second": round(position.lines_per_second, 1),
            }
        )

    def better_on_all_lines(self) -> tuple[ModelBundle, Metrics]:
        """Of `best` and `last` the one that reads all validation lines better, not only the thinned."""
        bundles = [ModelBundle.open(self._folder.path / name) for name in (BEST, LAST)]
        if bundles[0].manifest.training == bundles[1].manifest.training:
            del bundles[1]  # the same step
        scored = [(self.read(bundle), bundle) for bundle in bundles]
        metrics, bundle = min(scored, key=lambda pair: (pair[0].cer, -pair[0].exact_match))
        return bundle, metrics

    def read(self, bundle: ModelBundle) -> Metrics:
        """Metrics of a bundle on all validation lines, as it will be served."""
        return read_bundle(bundle, self._lines.val, ignore_case=bool(self._start.case_pairs))

    def finish(self, network: torch.nn.Module, manifest: Manifest, metrics: Metrics) -> None:
        """Make `network` the `best` of the run, with its metrics on all validation lines."""
        if self._writes:
            manifest = manifest.model_copy(update={"metrics": {"val": metrics.rates()}})
            images = [line.image for line in thinned(self._lines.val, FINAL_PARITY_LINES)]
            self._folder.save_bundle(BEST, network, manifest, images)


def read_bundle(bundle: ModelBundle, lines: LineDataset, *, ignore_case: bool) -> Metrics:
    """Metrics of a bundle as it will be served."""
    return read_all(OnnxRecognizer(bundle.manifest, bundle.onnx_path), lines, ignore_case=ignore_case)
