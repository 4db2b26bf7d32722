"""What a check found, as a table to read, as JSON, and against the bar of `--max-bad`."""

from __future__ import annotations

import shlex
from typing import Any

from ocrtune.data.check.checking import Checked, Hits
from ocrtune.data.check.finding import Severity
from ocrtune.errors import BarError


def summarise(checked: Checked) -> str:
    """Lines to print: usable lines of each dataset, then each finding with its count, examples and remedy."""
    shown = []
    for index, dataset in enumerate(checked.lines.datasets):
        total = len(dataset) + len(dataset.rejects)
        shown.append(f"{dataset.name}: {total - checked.unusable(index)} of {total} lines can be used")
    if checked.read:
        shown.append(f"{checked.read} of {len(checked.lines)} lines were read, to find those that are turned")
    for hits in checked.hits:
        shown += ["", *_rows(checked, hits)]
    if not checked.hits:
        shown.append("nothing found")
    return "\n".join(shown)


def to_json(checked: Checked) -> dict[str, Any]:
    """All that was found, with the place of every line; counts in lines unless `unit` says otherwise."""
    return {
        "datasets": [
            {
                "path": dataset.name,
                "use": "train" if index < checked.lines.train_sets else "validate",
                "lines": len(dataset) + len(dataset.rejects),
                "unusable": checked.unusable(index),
            }
            for index, dataset in enumerate(checked.lines.datasets)
        ],
        "lines_read": checked.read,
        "findings": [
            {
                "name": hits.finding.name,
                "severity": str(hits.finding.severity),
                "meaning": hits.finding.meaning,
                "mend": _mend(checked, hits),
                "count": hits.count,
                "unit": hits.finding.unit,
                "examples": [
                    {"source": example.source, "detail": example.detail} for example in hits.examples
                ],
                "lines": [checked.source(line) for line in hits.lines],
            }
            for hits in checked.hits
        ],
    }


def enforce_max_bad(checked: Checked, max_bad: float) -> None:
    """Stop where more than the fraction `max_bad` of a dataset is unusable.

    Raises:
        BarError: naming the dataset and the most frequent reasons.
    """
    for index, dataset in enumerate(checked.lines.datasets):
        bad, total = checked.unusable(index), len(dataset) + len(dataset.rejects)
        if bad > max_bad * total:
            reasons = sorted(
                (hits for hits in checked.hits if hits.finding.severity is Severity.UNUSABLE),
                key=lambda hits: -hits.count,
            )
            named = ", ".join(f"{hits.count} {hits.finding.name}" for hits in reasons[:3])
            raise BarError(
                f"{dataset.name}: {bad} of {total} lines ({bad / total:.1%}) are unusable, more than "
                f"--max-bad {max_bad:g}: {named}; mend them as shown, or raise --max-bad"
            )


def _rows(checked: Checked, hits: Hits) -> list[str]:
    finding = hits.finding
    counted = f"{hits.count:,} {finding.unit}{'' if hits.count == 1 else 's'}"
    rows = [f"{finding.severity}: {finding.name}, {counted}", f"  ({finding.meaning})"]
    for example in hits.examples:
        rows.append(f"    {example.source}{': ' if example.source else ''}{example.detail}")
    return [*rows, f"  mend: {_mend(checked, hits)}"]


def _mend(checked: Checked, hits: Hits) -> str:
    """The remedy, for the first dataset that needs it."""
    datasets = checked.lines.datasets
    first = hits.lines[0] if hits.lines else 0
    name = next(
        (d.name for i, d in enumerate(datasets) if first in checked.lines.numbers(i)), datasets[0].name
    )
    path = name.rstrip("/\\")
    return hits.finding.mend.format(path=shlex.quote(path), fixed=shlex.quote(f"{path}-fixed"))
