"""Which labelled lines a model has trained on, told from what its manifest says of its training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocrtune.bundle import Manifest
from ocrtune.data.dataset import RECIPE_PREFIX, LineDataset, open_dataset, split_weight
from ocrtune.errors import InputError
from ocrtune.reading.models import BASE, find_model


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """What is known of a model's training lines beside the lines at hand."""

    lines: int
    """Lines at hand that it has trained on, or that chose its best epoch."""
    total: int
    """Lines at hand."""
    unknown: tuple[str, ...]
    """Training sets and bases that are not there any more, so that nothing is known of their lines."""

    def summary(self, model: str) -> str | None:
        """One line for the user; None where all is well."""
        gone = f"{', '.join(self.unknown)} {'is' if len(self.unknown) == 1 else 'are'} not there any more"
        if self.lines:
            more = f"; {gone}, so it may be more" if self.unknown else ""
            return f"{model} has trained on {self.lines} of these {self.total} lines{more}"
        if self.unknown:
            return f"whether {model} has trained on these lines cannot be told: {gone}"
        return None


def trained_on(manifest: Manifest, datasets: Sequence[LineDataset]) -> TrainedOn:
    """Look for the lines of `datasets` among those that a model and its bases were trained on.

    Equal labels in equal order are told by the digest that the manifest keeps, wherever the files are now.
    Else the training sets are opened where they were, and image files are compared by their places.

    Args:
        manifest: of the model.
        datasets: the lines at hand.
    """
    digests: set[str] = set()
    places: set[str] = set()
    unknown: list[str] = []
    _gather(manifest, digests, places, unknown, {manifest.digest})
    lines = sum(
        len(dataset)
        if dataset.digest in digests
        else sum(image.location in places for image in dataset.images)
        for dataset in datasets
    )
    return TrainedOn(lines, sum(map(len, datasets)), tuple(unknown))


def _gather(
    manifest: Manifest, digests: set[str], places: set[str], unknown: list[str], seen: set[str]
) -> None:
    """Add what a model was trained on, and what its base was."""
    config: dict[str, Any] = manifest.training.get("config") or {}
    images = Path(config["images"]) if config.get("images") else None
    only_val = {split_weight(path)[0] for path in (*config.get("val", ()), config.get("guard") or "")}
    for name, digest in manifest.data.items():
        if name in only_val:
            continue
        digests.add(digest)
        if name.startswith(RECIPE_PREFIX):
            continue
        try:
            places.update(image.location for image in open_dataset(name, images).images)
        except InputError:
            unknown.append(name)
    base = config.get("base", "none")
    if base in (BASE, "none"):
        return
    try:
        found = find_model(base).manifest
    except InputError:
        unknown.append(base)
        return
    if found.digest != manifest.parent:  # another model stands there now
        unknown.append(base)
    elif found.digest not in seen:
        _gather(found, digests, places, unknown, seen | {found.digest})
