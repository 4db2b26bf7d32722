"""What feeds a run: its material, the lines it replays, and those that its head learns new symbols from."""

from __future__ import annotations

from ocrtune.config import TrainConfig
from ocrtune.data.dataset import LineDataset
from ocrtune.train.augment import Augment, augmentation
from ocrtune.train.batches import LineFeeder
from ocrtune.train.material import Start
from ocrtune.train.recipe import Recipe
from ocrtune.train.visits import Visits


def feeder_of(
    lines: LineDataset,
    visits: Visits | None = None,
    batch_size: int | None = None,
    *,
    start: Start,
    recipe: Recipe,
    config: TrainConfig,
    augment: Augment | None,
) -> LineFeeder:
    """Batches of `lines`, with the changes and seeds of a run.

    Args:
        lines: to feed.
        visits: of each; one in every epoch if None.
        batch_size: lines of 320 px in a batch; the recipe's if None.
        start: of the run.
        recipe: of the run.
        config: of the run.
        augment: replaces the changes of `config.augment`.
    """
    return LineFeeder(
        lines,
        [start.classes_of(entry.text) for entry in lines.entries],
        visits or Visits([1.0] * len(lines)),
        start.spec,
        start.network.steps,
        augment or augmentation(config.augment, start.spec.height),
        batch_size or recipe.batch_size,
        config.seed,
        config.workers or recipe.workers,  # a resumed run may have others
        extra_padding=recipe.extra_padding,
        layout=start.layout,
    )
