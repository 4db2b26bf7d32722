"""Cross-fitting: models that each learn from a part of the lines, to judge the lines they never saw."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Literal, TypeVar

from ocrtune.config import TrainConfig
from ocrtune.data.dataset import LineDataset
from ocrtune.data.groups import BY_LINE, BY_PAGE, Grouping, group_lines
from ocrtune.data.origins import names_of
from ocrtune.data.split import position_of
from ocrtune.errors import InputError
from ocrtune.evaluate.judging import Judging, choose_epochs
from ocrtune.evaluate.suspects import Judge
from ocrtune.reading.models import find_model
from ocrtune.reading.recognizer import OnnxRecognizer
from ocrtune.train.material import OpenedSets
from ocrtune.train.run import train

T = TypeVar("T")

FOLD_SEED, VAL_SEED = 1, 2
"""Of the order in which groups are laid on folds, and set apart to validate on within one."""

VAL_SHARE = 0.05
"""Of a fold's training lines, that choose its best epoch: enough to tell a run that went wrong."""

UNEVEN = 1.5
"""Times its share of lines that a fold may have; where pages are so few or uneven, lines go by themselves."""


def fold_lines(datasets: Sequence[LineDataset], folds: int) -> tuple[list[int], Grouping]:
    """The fold of every line, all datasets one after the other; lines of one page share theirs.

    Raises:
        InputError: fewer lines than folds.
    """
    names = [name for dataset in datasets for name in names_of(dataset)]
    for by in (BY_PAGE, BY_LINE):
        grouping = group_lines(names, by)
        parts = _cut(grouping, folds)
        of_lines = [parts[name] for name in grouping.names]
        sizes = [of_lines.count(fold) for fold in range(folds)]
        if min(sizes) > 0 and max(sizes) <= UNEVEN * len(names) / folds:
            break
    if min(sizes) == 0:
        raise InputError(f"--folds {folds}: there are only {len(set(names))} different lines; add lines")
    return of_lines, grouping


def _cut(grouping: Grouping, folds: int) -> dict[str, int]:
    """The fold of each group: all in an order that their names give, cut where the lines are shared out."""
    order = sorted(grouping.counts, key=lambda group: position_of(group, FOLD_SEED))
    before = accumulate((grouping.counts[group] for group in order), initial=0)
    total = grouping.counts.total()
    return {group: folds * done // total for group, done in zip(order, before, strict=False)}


def cross_fit(
    judging: Judging,
    datasets: Sequence[LineDataset],
    epochs: int | None,
    device: Literal["auto", "cpu", "cuda"],
    note: Callable[[str], None],
) -> Iterator[Judge]:
    """Train a judge for each fold, on the lines of all others; each is given out as soon as it is ready.

    Args:
        judging: what they start from, and how many.
        datasets: the lines.
        epochs: of each training; None chooses.
        device: to train on.
        note: is told what is done.

    Raises:
        InputError: too few lines to train on.
        KeyboardInterrupt: a signal ended a training.
    """
    of_lines, grouping = fold_lines(datasets, judging.folds)
    note(grouping.summary())
    lines = _split_up(datasets, of_lines)
    groups = _split_up(datasets, grouping.names)
    known = frozenset(find_model(judging.model).manifest.symbols)
    with tempfile.TemporaryDirectory(prefix="ocrtune-folds-") as work:
        for fold in range(judging.folds):
            held = tuple(tuple(i for i, part in enumerate(of) if part == fold) for of in lines)
            rest = [[i for i, part in enumerate(of) if part != fold] for of in lines]
            count = sum(map(len, rest))
            config = TrainConfig(
                output=Path(work, f"fold-{fold + 1}"),
                base=judging.model,
                epochs=epochs or choose_epochs(count),
                max_bad=1.0,  # what is unusable is counted with the suspects
                device=device,
            )
            note(
                f"judge {fold + 1} of {judging.folds}: learns from {count} lines in {config.epochs} epochs, "
                f"judges {len(of_lines) - count}"
            )
            val = _validating([of[i] for of, rows in zip(groups, rest, strict=True) for i in rows])
            parts = list(zip(datasets, groups, rest, strict=True))
            sets = OpenedSets(
                train=tuple(d.select(i for i in rows if of[i] not in val) for d, of, rows in parts),
                val=tuple(d.select(i for i in rows if of[i] in val) for d, of, rows in parts),
                digests={dataset.name: dataset.digest for dataset in datasets},
                other_texts=_readable(datasets, held, known),
            )
            with contextlib.redirect_stdout(sys.stderr):  # the run shows itself; the answer is the suspects
                result = train(config, sets=sets)
            if result.stopped is not None:
                raise KeyboardInterrupt
            found = find_model(result.best)
            yield Judge(OnnxRecognizer(found.manifest, found.onnx_path), held)


def _split_up(datasets: Sequence[LineDataset], values: Sequence[T]) -> list[Sequence[T]]:
    """The values of all lines, one after the other, as those of each dataset."""
    ends = list(accumulate(map(len, datasets)))
    return [values[end - len(dataset) : end] for dataset, end in zip(datasets, ends, strict=True)]


def _validating(names: Sequence[str]) -> set[str]:
    """Groups with about `VAL_SHARE` of the lines, one at least."""
    counts = Counter(names)
    order = sorted(counts, key=lambda group: position_of(group, VAL_SEED))
    before = accumulate((counts[group] for group in order), initial=0)
    return {group for group, done in zip(order, before, strict=False) if done < VAL_SHARE * len(names)}


def _readable(
    datasets: Sequence[LineDataset], held: Sequence[Sequence[int]], known: frozenset[str]
) -> tuple[str, ...]:
    """The symbols of held lines that the base can read: it knows them without a line to learn from.

    Those that nobody taught it would never be read, and each label with one be suspected.
    """
    texts = {dataset.entries[i].text for dataset, rows in zip(datasets, held, strict=True) for i in rows}
    return tuple(sorted(set("".join(texts)) & known))
