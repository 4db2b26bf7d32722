"""The end of a run: which weights count, scored on all validation lines as they will be served."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from accelerate import Accelerator
from torch import nn

from ocrtune.bundle import Manifest, ModelBundle
from ocrtune.convert.export import load_network
from ocrtune.evaluate.metrics import Metrics
from ocrtune.train.folder import BEST, LAST, RunFolder
from ocrtune.train.guard import Guard, GuardScore
from ocrtune.train.keeping import Keeper
from ocrtune.train.recipe import Recipe
from ocrtune.train.state import Position
from ocrtune.train.validation import Validator
from ocrtune.train.way_back import (
    KEPT,
    Point,
    Way,
    Weights,
    best_that_is_kept,
    nearest_that_keeps_the_gain,
)

SETTLED = "settled"
"""In the record of `best`: after how many batches its weights were chosen and the run ended."""


class Ending:
    """Settles what `best` is, once all steps are done.

    Args:
        folder: of the run.
        keeper: writes it.
        recipe: the choices made.
        validator: reads the lines that were validated on.
        guard: reads the general lines, or None.
        beginning: the weights before the first step, where the way back to them may be taken, or None.
        accelerator: of the run.
        memory: layout of images in memory.
        added: classes that the start does not know.
        note: is told what was decided.
    """

    def __init__(
        self,
        folder: RunFolder,
        keeper: Keeper,
        recipe: Recipe,
        validator: Validator,
        guard: Guard | None,
        beginning: Weights | None,
        accelerator: Accelerator,
        memory: torch.memory_format,
        added: Sequence[int],
        note: Callable[[str], None],
    ) -> None:
        self._folder = folder
        self._keeper = keeper
        self._recipe = recipe
        self._validator = validator
        self._guard = guard
        self._beginning = beginning
        self._accelerator = accelerator
        self._memory = memory
        self._added = added
        self._note = note

    def settle(self, position: Position) -> Metrics:
        """Choose, write and measure `best`; returns its metrics on all validation lines."""
        settled = ModelBundle.open(self._folder.path / BEST)
        if settled.manifest.training.get(SETTLED) == position.step:
            # Killed after that, a run would take the way back from its own end.
            network, manifest = load_network(settled), settled.manifest
            metrics = self._keeper.read(settled)
            self._accelerator.wait_for_everyone()
        elif self._beginning is None:
            best, metrics = self._keeper.better_on_all_lines()
            network, manifest = load_network(best), _settled(best.manifest, position)
            self._accelerator.wait_for_everyone()  # all have read it before it is written anew
        else:
            network, manifest, point = self._on_the_way(self._beginning, position)
            manifest = _settled(manifest, position)
            manifest = manifest.model_copy(
                update={
                    "training": manifest.training | {"way_back": point.share} | _guard_record(point.guard)
                }
            )
            self._accelerator.wait_for_everyone()
            self._keeper.finish(network, manifest, point.validation.metrics)
            self._accelerator.wait_for_everyone()
            metrics = self._keeper.read(ModelBundle.open(self._folder.path / BEST))
            self._accelerator.wait_for_everyone()
            for text in self._both_numbers(point, position):
                self._note(text)
        self._keeper.finish(network, manifest, metrics)
        return metrics

    def _on_the_way(self, beginning: Weights, position: Position) -> tuple[nn.Module, Manifest, Point]:
        """The weights to keep: on the way from the start to the end, or those of an earlier validation.

        Made lines go back from what reads all of them best. With real lines and a guard the end is `last`:
        what gained more than the guard allows leads through what it does. Where nothing on the way is
        allowed, or `best` reads better, `best` stays.
        """
        if self._recipe.way_back:
            end, _ = self._keeper.better_on_all_lines()
        else:
            end = ModelBundle.open(self._folder.path / LAST)
        network = self._moved(load_network(end))
        way = self._way(network, beginning)
        point = nearest_that_keeps_the_gain(way) if self._recipe.way_back else best_that_is_kept(way)
        best = ModelBundle.open(self._folder.path / BEST)
        if self._guard is not None and (point is None or best.manifest.training != end.manifest.training):
            other = self._moved(load_network(best))
            share = float(best.manifest.training["position"]["step"] > 0)
            earlier = replace(self._way(other, beginning).at(1.0), share=share)
            if point is None or earlier.validation.score < point.validation.score:
                self._note(_describe_earlier(best.manifest, nothing_allowed=point is None))
                return other.cpu(), best.manifest, earlier
        assert point is not None  # without a guard the end of the way is always allowed
        self._note(describe_share(point.share) if self._recipe.way_back else _describe_guarded(point))
        return network.cpu(), end.manifest, point

    def _way(self, network: nn.Module, beginning: Weights) -> Way:
        bf16 = self._recipe.precision == "bf16"
        return Way(network, beginning, self._validator, bf16, self._memory, self._guard, self._added)

    def _moved(self, network: nn.Module) -> nn.Module:
        moved: nn.Module = network.to(self._accelerator.device, memory_format=self._memory)
        return moved

    def _both_numbers(self, point: Point, position: Position) -> list[str]:
        """What was gained on the material, and what was lost of general lines."""
        if point.guard is None or self._guard is None:
            return []
        yours = _before_and_after(position.base_exact, point.validation.metrics.exact_match)
        general = _before_and_after(point.guard.base, point.guard.exact)
        return [
            f"your lines, {len(self._validator.lines)} of those to validate: {yours}; "
            f"general lines, {len(self._guard.lines)}: {general}"
        ]


def _settled(manifest: Manifest, position: Position) -> Manifest:
    return manifest.model_copy(update={"training": manifest.training | {SETTLED: position.step}})


def describe_share(share: float) -> str:
    """How far a run that validates on made lines went back, for the user."""
    if share == 1:
        return f"only made lines validate: nowhere nearer to the base {KEPT:.0%} of what was gained stays"
    return (
        f"only made lines validate: kept {share:.0%} of the way from the base, the nearest to it that keeps "
        f"{KEPT:.0%} of what was gained on them (--way-back never keeps all of the way)"
    )


def _before_and_after(before: float, after: float) -> str:
    return f"exact {before:.1%} before, {after:.1%} after ({100 * (after - before):+.1f} points)"


def _describe_guarded(point: Point) -> str:
    return (
        f"kept {point.share:.0%} of the way from the base: of what the guard allows, the best on your lines"
    )


def _describe_earlier(manifest: Manifest, *, nothing_allowed: bool) -> str:
    step = manifest.training["position"]["step"]
    kept = f"kept as they were after {step} batches" if step else "kept as they were in the base"
    if nothing_allowed:
        return (
            f"weights {kept}: the guard allows nothing on the way to the end, which `last` has; "
            "--max-drop allows more, --guard PATH reads general lines of your own"
        )
    return f"weights {kept}: nothing on the way to the end that the guard allows reads your lines better"


def _guard_record(guard: GuardScore | None) -> dict[str, dict[str, float]]:
    """For the manifest: what general lines say."""
    if guard is None:
        return {}
    figures = {"exact": guard.exact, "base_exact": guard.base, "chance": guard.chance}
    return {"guard": figures | {"max_drop": guard.max_drop}}
