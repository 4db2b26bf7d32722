"""Checks datasets: every finding over every line, in one pass over the images."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ocrtune.data.check.finding import Finding, Severity
from ocrtune.data.check.gathering import LineSet, SetFacts, measured
from ocrtune.data.check.image_findings import (
    IMAGE_FINDINGS,
    INK_WITHOUT_TEXT,
    REJECT_FINDINGS,
    SIDEWAYS,
    LineFacts,
    has_ink,
    unlabelled_image,
)
from ocrtune.data.check.label_findings import LABEL_FINDINGS
from ocrtune.data.check.measuring import measure_image
from ocrtune.data.check.model_limits import ModelLimits
from ocrtune.data.check.set_findings import SET_FINDINGS
from ocrtune.data.check.turned import UPSIDE_DOWN, find_turned
from ocrtune.data.dataset import LineDataset
from ocrtune.data.images import ImageError
from ocrtune.data.rejects import Reject, RejectReason
from ocrtune.reading.recognizer import OnnxRecognizer

EXAMPLES = 3
"""Hits of a finding that are kept with what exactly is wrong; of the others the place is kept."""

FINDINGS: tuple[Finding[Any, Any], ...] = (
    *REJECT_FINDINGS.values(),
    INK_WITHOUT_TEXT,
    *IMAGE_FINDINGS,
    UPSIDE_DOWN,
    *LABEL_FINDINGS,
    *SET_FINDINGS,
)
"""All there are, in the order they are shown in."""


@dataclass(frozen=True, slots=True)
class Example:
    """One hit, in words."""

    source: str
    """Place of the line; empty where it is about the set."""
    detail: str


@dataclass(slots=True)
class Hits:
    """All hits of one finding."""

    finding: Finding[Any, Any]
    count: int = 0
    lines: array[int] = field(default_factory=lambda: array("Q"))
    """Numbers of the lines; none where it is about the set."""
    examples: list[Example] = field(default_factory=list)
    """The first `EXAMPLES`."""


class Checked:
    """What a check found. Lines have their number in `lines`; rejects are counted on from the last."""

    def __init__(self, lines: LineSet) -> None:
        self.lines = lines
        self.read = 0
        """Lines that a model read, to find those that are turned."""
        self.rejects: tuple[Reject, ...] = tuple(r for dataset in lines.datasets for r in dataset.rejects)
        self._hits = {finding.name: Hits(finding) for finding in FINDINGS}
        self._is_unusable = bytearray(len(lines) + len(self.rejects))

    @property
    def hits(self) -> list[Hits]:
        """Of the findings that were found, the unusable first."""
        found = [hits for hits in self._hits.values() if hits.count]
        return sorted(found, key=lambda hits: hits.finding.severity is not Severity.UNUSABLE)

    def add(self, finding: Finding[Any, Any], line: int | None, detail: str | None) -> None:
        """Count a hit; None as the detail is none."""
        if detail is None:
            return
        hits = self._hits[finding.name]
        hits.count += 1
        if line is not None:
            hits.lines.append(line)
            if finding.severity is Severity.UNUSABLE:
                self._is_unusable[line] = 1
        if len(hits.examples) < EXAMPLES:
            hits.examples.append(Example("" if line is None else self.source(line), detail))

    def has(self, finding: Finding[Any, Any], line: int) -> bool:
        """Whether a line has a finding already."""
        return line in self._hits[finding.name].lines

    def source(self, line: int) -> str:
        """Where a line is."""
        if line < len(self.lines):
            return self.lines.entry(line).source
        return self.rejects[line - len(self.lines)].source

    def unusable(self, dataset: int) -> int:
        """Unusable lines of a dataset, its rejects among them."""
        numbers = self.lines.numbers(dataset)
        return sum(self._is_unusable[numbers.start : numbers.stop]) + len(
            self.lines.datasets[dataset].rejects
        )


def check_datasets(
    train: Sequence[LineDataset],
    val: Sequence[LineDataset],
    limits: ModelLimits,
    *,
    images: Path | None = None,
    rare: int = 5,
    difference: float = 0.02,
    recognizer: OnnxRecognizer | None = None,
    read: int = 2000,
    progress: Callable[[int, int], None] | None = None,
) -> Checked:
    """Look for every finding in datasets; nothing is changed.

    Args:
        train: to train on.
        val: to validate on; may be none.
        limits: of the model that is to read or to be trained.
        images: as given to `open_dataset`.
        rare: fewer lines than this with a symbol are too few.
        difference: of exact match that the validation set should show, 0 to 1.
        recognizer: reads lines, to find those that are turned.
        read: how many of them, at most.
        progress: called with (lines done, lines in all).
    """
    lines = LineSet((*train, *val), len(train))
    checked = Checked(lines)
    facts = SetFacts.empty(lines, rare, difference)
    encoded = [image for dataset in lines.datasets for image in dataset.images]
    for line, measure in enumerate(measured(encoded, progress)):
        text = lines.entry(line).text
        for label_finding in LABEL_FINDINGS:
            checked.add(label_finding, line, label_finding.check(text))
        if isinstance(measure, ImageError):
            checked.add(REJECT_FINDINGS[measure.reason], line, f"{measure.where}: {measure.detail}")
            facts.add(line, None)
            continue
        for image_finding in IMAGE_FINDINGS:
            checked.add(image_finding, line, image_finding.check(LineFacts(text, measure, limits)))
        facts.add(line, measure if has_ink(measure) else None)
    for number, reject in enumerate(checked.rejects, start=len(lines)):
        checked.add(_finding_of(reject, images), number, reject.detail)
    for set_finding in SET_FINDINGS:
        for hit in set_finding.check(facts):
            checked.add(set_finding, hit.line, hit.detail)
    if recognizer is not None:
        checked.read = min(read, len(lines))
        for turned in find_turned(lines, recognizer, read, progress):
            finding = UPSIDE_DOWN if turned.degrees == 180 else SIDEWAYS
            if not checked.has(finding, turned.line):
                checked.add(finding, turned.line, turned.detail)
    return checked


def _finding_of(reject: Reject, images: Path | None) -> Finding[None, None]:
    if reject.reason is RejectReason.NO_TEXT:
        measure = measure_image(unlabelled_image(reject, images))
        if not isinstance(measure, ImageError) and has_ink(measure):
            return INK_WITHOUT_TEXT
    return REJECT_FINDINGS[reject.reason]
