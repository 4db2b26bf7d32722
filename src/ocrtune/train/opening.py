"""What a run says before its first epoch: sizes, choices, the score to beat, the time it takes."""

from __future__ import annotations

from collections.abc import Iterator

from ocrtune.bundle import ModelBundle
from ocrtune.data.dataset import LineDataset
from ocrtune.evaluate.metrics import Metrics, measure
from ocrtune.reading.recognizer import OnnxRecognizer, Recognizer
from ocrtune.train.guard import GuardScore
from ocrtune.train.material import Lines, Start
from ocrtune.train.recipe import Recipe
from ocrtune.train.validation import Validation, thinned
from ocrtune.train.visits import SHOWN_ENOUGH, share_in_epoch

CUT_LINES = 200
"""Validation lines on which the base is read before and after its charset changed."""


def opening(
    start: Start,
    lines: Lines,
    recipe: Recipe,
    validation: Validation,
    guard: GuardScore | None,
    unchanged: ModelBundle,
    augment: str,
) -> Iterator[str]:
    """The lines to show; reading the base takes a few seconds.

    Args:
        start: what training starts from.
        lines: of both sides.
        recipe: the choices made.
        validation: step 0.
        guard: what step 0 reads of general lines, if there are some.
        unchanged: the bundle of step 0: the base with its new charset and nothing trained.
        augment: how strongly images are changed.
    """
    weights = sum(p.numel() for p in start.network.parameters())
    yield (
        f"{len(lines.train)} lines to train, {len(lines.val)} to validate; "
        f"{start.architecture.name} with {len(start.charset)} symbols and {weights:,} weights"
    )
    if start.base is not None and start.change is not None:
        yield start.change.summary()
        few, ignore = thinned(lines.val, CUT_LINES), bool(start.case_pairs)
        as_is = read_all(OnnxRecognizer(start.base.manifest, start.base.onnx_path), few, ignore_case=ignore)
        cut = read_all(OnnxRecognizer(unchanged.manifest, unchanged.onnx_path), few, ignore_case=ignore)
        yield (
            f"the base as it is reads {as_is.exact_match:.1%} of {len(few)} validation lines, "
            f"with the new charset {cut.exact_match:.1%}"
        )
    metrics = validation.metrics
    yield (
        f"step 0, nothing trained yet: exact {metrics.exact_match:.1%}, "
        f"without spaces {metrics.exact_match_no_space:.1%}, CER {metrics.cer:.2%}"
        + ("" if guard is None else f"; of {len(lines.guard or ())} general lines {guard.exact:.1%}")
    )
    yield what_was_chosen(recipe, augment)
    yield why(recipe, lines, start)
    if any(lines.fading) and recipe.epochs > 1:
        yield how_they_fade(recipe, lines)


def what_was_chosen(recipe: Recipe, augment: str) -> str:
    """The recipe in a line."""
    rates = f"learning rate {recipe.lr:g}"
    if recipe.freeze_early:
        rates += (
            f" (head {recipe.head_rate:g} times, image features {recipe.backbone_rate:g} times, "
            "first layers none)"
        )
    return (
        f"{recipe.epochs} epochs in batches of {recipe.batch_size}{_pieces(recipe)}, {rates}, "
        f"{augment} augmentation, "
        f"{recipe.precision}{', channels last' if recipe.channels_last else ''} on {recipe.device}; "
        f"estimated time: {recipe.estimated_seconds / 60:.1f} min"
    )


def why(recipe: Recipe, lines: Lines, start: Start) -> str:
    """What the choices follow from, in a line."""
    count = len(lines.train)
    if start.base is None:
        return (
            f"because nothing is learned yet and {count} lines must teach it all: everything moves at one "
            f"rate, and each line is seen {recipe.epochs} times"
        )
    replay = f", {recipe.replay:g} batches of general lines go with each" if recipe.replay else ""
    return (
        f"because {count} lines adapt what {start.base.manifest.name} knows: the fewer, the more often they "
        f"are seen and the nearer to it they are held ({recipe.anchor:.2%} of the way back per step)"
        f"{replay}; {recipe.precision} is the fastest here"
    )


def how_they_fade(recipe: Recipe, lines: Lines) -> str:
    """How often made lines come beside real ones."""
    shares = [share_in_epoch(epoch, recipe.epochs) for epoch in range(recipe.epochs)]
    made, without = sum(lines.fading), shares.count(0)
    return (
        f"{made} made lines come {shares[0]:.1f} times as often as on average in the first epoch, ever less "
        f"later, and not in the last{f' {without}' if without > 1 else ''}: training ends on real lines, "
        f"and on made ones with symbols that fewer than {SHOWN_ENOUGH} real ones show"
    )


def _pieces(recipe: Recipe) -> str:
    """How a batch is cut, for the user."""
    if recipe.accumulate > 1:
        return f" ({recipe.accumulate} x {recipe.batch_size // recipe.accumulate} added up)"
    if recipe.pixels is not None:
        return f" (at most {recipe.pixels / 1e6:.1f} million px at once)"
    return ""


def read_all(recognizer: Recognizer, lines: LineDataset, *, ignore_case: bool = False) -> Metrics:
    """Metrics of a recogniser on lines that are known to be readable."""
    predictions = recognizer.recognize([line.image for line in lines])
    pairs = ((e.text, p.text) for e, p in zip(lines.entries, predictions, strict=True))
    return measure(pairs, ignore_case=ignore_case)
