"""Who judges labels: the model at hand where it has not learnt them, else models that are trained for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ocrtune.data.dataset import LineDataset
from ocrtune.errors import InputError
from ocrtune.evaluate.suspects import Judge
from ocrtune.evaluate.trained_on import trained_on
from ocrtune.reading.models import BASE, find_model
from ocrtune.reading.recognizer import OnnxRecognizer

FOLDS = 2
"""Each model learns from half of the lines; with more folds from more of them, and it takes longer."""

LEAST_LINES = 200
"""Fewer are judged by the model as it is, unless folds are asked for: half of them teach too little."""

VISITS = 10_000
"""Lines that each model is shown, the same ones again where there are fewer (log 2026-11-25)."""

MOST_EPOCHS = 10


@dataclass(frozen=True, slots=True)
class Judging:
    """How labels are judged."""

    model: str
    """It judges, or the models that judge are fine-tuned from it."""
    folds: int
    """1: it judges as it is. More: so many models, each on the lines that the others learn from."""
    notes: tuple[str, ...]
    """What the user should know about it."""


def plan_judging(
    model: str | None, datasets: Sequence[LineDataset], folds: int | None, *, can_train: bool
) -> Judging:
    """Choose, so that no model judges a label that it has learnt; where that is not to be had, say so.

    Args:
        model: MODEL as given; None is the base.
        datasets: the lines.
        folds: as given; None leaves the choice.
        can_train: whether the packages for training are there.

    Raises:
        InputError: there is no such model, or `folds` is below 1.
    """
    if folds is not None and folds < 1:
        raise InputError(f"--folds {folds}: give 1, to judge with the model as it is, or more")
    name = BASE if model is None else model
    known = trained_on(find_model(model).manifest, datasets)
    said = known.summary(name)
    if folds is None and not known.lines and model is not None:
        return Judging(name, 1, (said or f"{name} has not trained on these lines, so it judges as it is",))
    if folds is None and known.total < LEAST_LINES:
        note = f"{known.total} lines are too few to train judges on, so {name} judges as it is"
        return Judging(name, 1, _with_warning(note, said))
    if folds is None and not can_train:
        note = f"{name} judges as it is; pip install 'ocrtune[train]' to train better judges on these lines"
        return Judging(name, 1, _with_warning(note, said))
    if folds is None:
        if known.lines:
            return Judging(BASE, FOLDS, (f"{said}; judges that have not are trained from {BASE}",))
        return Judging(name, FOLDS, ())
    return Judging(name, folds, _with_warning("", said) if said else ())


def judge_as_it_is(judging: Judging, datasets: Sequence[LineDataset]) -> Iterator[Judge]:
    """The model of `judging` for all lines."""
    found = find_model(judging.model)
    held = tuple(tuple(range(len(dataset))) for dataset in datasets)
    yield Judge(OnnxRecognizer(found.manifest, found.onnx_path), held)


def _with_warning(note: str, said: str | None) -> tuple[str, ...]:
    warning = f"Warning: {said}: it has learnt their mistakes, and will find few of them" if said else ""
    return tuple(filter(None, (note, warning)))


def choose_epochs(lines: float) -> int:
    """Epochs for a judge that learns from so many lines."""
    return max(1, min(MOST_EPOCHS, round(VISITS / lines)))
