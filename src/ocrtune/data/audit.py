"""Goes through a dataset once, before training, and says which lines cannot be used and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from ocrtune.charset import Charset
from ocrtune.data.dataset import LineDataset
from ocrtune.data.images import ImageError
from ocrtune.data.rejects import Reject, RejectReason, summarise_rejects, write_skipped
from ocrtune.decoding import CTC, ClassLayout
from ocrtune.errors import BarError, InputError
from ocrtune.preprocess import PreprocessSpec

__all__ = [
    "Audit",
    "Reject",
    "RejectReason",
    "audit_lines",
    "enforce_max_bad",
    "require_eval_lines",
    "require_train_lines",
    "write_skipped",
]

MIN_TRAIN_LINES = 10
MIN_EVAL_LINES = 1

_EXAMPLES = 3
"""Rejects shown per reason; all of them are in `skipped.tsv`."""

_SYMBOLS_SHOWN = 20
"""Unknown symbols named in the summary; a wrong charset has thousands."""

_PROGRESS_EVERY = 100


@dataclass(frozen=True, slots=True)
class Audit:
    """What can be used of a dataset, and what is wrong with the rest."""

    name: str
    """The dataset's."""
    kept: tuple[int, ...]
    """Indices of the usable lines, ascending."""
    sizes: tuple[tuple[int, int], ...]
    """(H, W) in px of the kept images, in the order of `kept`."""
    rejects: tuple[Reject, ...]
    """The dataset's own rejects first."""
    unknown_symbols: dict[str, int]
    """Symbol that the charset lacks to the number of lines that need it, most frequent first."""

    @property
    def total(self) -> int:
        """All lines, usable or not."""
        return len(self.kept) + len(self.rejects)

    def counts(self) -> dict[RejectReason, int]:
        """Number of rejects by reason, in the order of `RejectReason`; only reasons that occur."""
        found = Counter(reject.reason for reject in self.rejects)
        return {reason: found[reason] for reason in RejectReason if found[reason]}

    def summary(self) -> str:
        """Lines to print: the count per reason, up to three examples of each, the unknown symbols."""
        shown = [f"{self.name}: {len(self.kept)} of {self.total} lines can be used"]
        for reason, count in self.counts().items():
            shown.append(f"  {reason}: {count} {'line' if count == 1 else 'lines'}")
            if reason is RejectReason.UNKNOWN_SYMBOL:
                shown.append(f"    {self._named_symbols()}")
            examples = [reject for reject in self.rejects if reject.reason is reason][:_EXAMPLES]
            shown += [f"    {reject.source}: {reject.detail}" for reject in examples]
        return "\n".join(shown)

    def _named_symbols(self) -> str:
        first = list(self.unknown_symbols.items())[:_SYMBOLS_SHOWN]
        named = ", ".join(
            f"{symbol!r} {count} {'line' if count == 1 else 'lines'}" for symbol, count in first
        )
        more = len(self.unknown_symbols) - len(first)
        return f"{named} and {more} more symbols" if more else named


def audit_lines(
    dataset: LineDataset,
    charset: Charset,
    spec: PreprocessSpec,
    steps: Callable[[int], int],
    progress: Callable[[int, int], None] | None = None,
    layout: ClassLayout = CTC,
) -> Audit:
    """Check every line: its symbols, its image (decoded to its end), and whether the text fits.

    A line is refused for the first reason that applies; an unknown symbol spares the decoding.

    Args:
        dataset: what to check.
        charset: labels with other symbols are refused.
        spec: gives the width in px a network sees of an image.
        steps: time steps the network makes of a width in px.
        progress: called now and then, and at the end, with (lines done, lines in all).
        layout: tells how many steps a text needs.
    """
    kept: list[int] = []
    sizes: list[tuple[int, int]] = []
    rejects = list(dataset.rejects)
    unknown_symbols: Counter[str] = Counter()

    def refuse(reason: RejectReason, detail: str) -> None:
        rejects.append(Reject(entry.id, entry.source, reason, detail))

    for index, entry in enumerate(dataset.entries):
        if progress is not None and index % _PROGRESS_EVERY == 0:
            progress(index, len(dataset))
        if unknown := charset.unknown(entry.text):
            unknown_symbols.update(unknown)
            refuse(RejectReason.UNKNOWN_SYMBOL, f"{', '.join(map(repr, unknown))} in {entry.text!r}")
            continue
        try:
            image = dataset.image(index)
        except ImageError as error:
            refuse(error.reason, f"{dataset.images[index].where}: {error.detail}")
            continue
        needed, given = layout.steps_needed(charset.encode(entry.text)), steps(spec.bucket(image))
        if needed > given:
            height, width = image.shape[:2]
            refuse(
                RejectReason.TOO_LONG,
                f"{entry.text!r} needs {needed} steps, an image of {width} x {height} px gives {given}",
            )
            continue
        kept.append(index)
        sizes.append((image.shape[0], image.shape[1]))
    if progress is not None:
        progress(len(dataset), len(dataset))
    return Audit(dataset.name, tuple(kept), tuple(sizes), tuple(rejects), dict(unknown_symbols.most_common()))


def enforce_max_bad(audit: Audit, total: int, max_bad: float) -> None:
    """Stop where more than the fraction `max_bad` of `total` lines is refused.

    Raises:
        BarError: naming the counts by reason and the first reject.
    """
    bad = len(audit.rejects)
    if bad <= max_bad * total:
        return
    raise BarError(
        f"{audit.name}: {bad} of {total} lines ({bad / total:.1%}) cannot be used, more than --max-bad "
        f"{max_bad:g}: {summarise_rejects(audit.rejects)}; correct them or raise --max-bad"
    )


def require_train_lines(name: str, count: int) -> None:
    """Stop where fewer than `MIN_TRAIN_LINES` usable lines are left of the dataset `name`."""
    _require(name, count, MIN_TRAIN_LINES, "train")


def require_eval_lines(name: str, count: int) -> None:
    """Stop where fewer than `MIN_EVAL_LINES` usable lines are left of the dataset `name`."""
    _require(name, count, MIN_EVAL_LINES, "evaluate")


def _require(name: str, count: int, minimum: int, verb: str) -> None:
    if count < minimum:
        raise InputError(
            f"{name} has {count} usable lines; at least {minimum} are needed to {verb}; add labelled lines"
        )
