"""The lines that an export is checked on, and a file that appears only when its check has passed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ocrtune.convert.export import drawn_lines
from ocrtune.data.dataset import open_dataset
from ocrtune.errors import InputError
from ocrtune.evaluate.metrics import measure
from ocrtune.output import refuse_existing
from ocrtune.records import Image


@dataclass(frozen=True, slots=True)
class ReplayLines:
    """Line images, with their texts where they are labelled."""

    images: tuple[Image, ...]
    texts: tuple[str, ...] | None
    """None for lines that were drawn for the purpose: few models read those well."""

    def every_other(self) -> tuple[ReplayLines, ReplayLines]:
        """Two halves without a line in common: the second, fourth, ... and the first, third, ..."""
        return tuple(  # type: ignore[return-value]
            ReplayLines(self.images[first::2], None if self.texts is None else self.texts[first::2])
            for first in (1, 0)
        )

    def first(self, count: int) -> ReplayLines:
        """At most `count` of them, evenly spread."""
        total = len(self.images)
        chosen = [i * total // count for i in range(count)] if total > count else range(total)
        texts = None if self.texts is None else tuple(self.texts[i] for i in chosen)
        return ReplayLines(tuple(self.images[i] for i in chosen), texts)


def replay_lines(data: Sequence[str], count: int) -> ReplayLines:
    """Up to `count` lines of each dataset, evenly spread; without any, `count` drawn ones.

    Raises:
        InputError: a dataset that cannot be opened, or none of them has a line.
    """
    if not data:
        return ReplayLines(tuple(drawn_lines(count)), None)
    images: list[Image] = []
    texts: list[str] = []
    for dataset in map(open_dataset, data):
        taken = min(len(dataset), count)
        for index in (i * len(dataset) // taken for i in range(taken)):
            images.append(dataset.image(index))
            texts.append(dataset.entries[index].text)
    if not images:
        raise InputError(f"--data {' '.join(data)} holds no lines to replay; leave it out or give others")
    return ReplayLines(tuple(images), tuple(texts))


@dataclass(frozen=True, slots=True)
class Agreement:
    """How the texts of one reader compare with those of another on the same lines."""

    lines: int
    same: int
    first_difference: str | None
    """`line 3: 'Melk 1L' -> 'Melk IL'`; None where all are the same."""
    cer: tuple[float, float] | None
    """CER of the first and of the second reader, where the lines are labelled; fractions, lower is better."""

    def __str__(self) -> str:
        said = f"{self.same} of {self.lines} lines read the same"
        if self.cer is not None:
            said += f", CER {100 * self.cer[0]:.2f} -> {100 * self.cer[1]:.2f} %"
        return said if self.first_difference is None else f"{said}; first other: {self.first_difference}"


def compare_texts(before: Sequence[str], after: Sequence[str], lines: ReplayLines) -> Agreement:
    """Compare the texts of two readers line by line."""
    different = [i for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
    first = None
    if different:
        first = f"line {different[0] + 1}: {before[different[0]]!r} -> {after[different[0]]!r}"
    cer = None
    if lines.texts is not None:
        a, b = (measure(zip(lines.texts, texts, strict=True)).cer for texts in (before, after))
        cer = (a, b)
    return Agreement(len(before), len(before) - len(different), first, cer)


@contextmanager
def staged_file(output: Path, *, overwrite: bool) -> Iterator[Path]:
    """A place to write `output` to, which takes its name when the block ends without an error.

    The folder it is in is empty otherwise and goes away at the end.

    Raises:
        InputError: `output` is there without `overwrite`, or the disk refuses.
    """
    refuse_existing(output, overwrite=overwrite)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as folder:
            staging = Path(folder) / output.name
            yield staging
            staging.replace(output)
    except OSError as error:
        raise InputError(f"cannot write {output}: {error.strerror}; choose another place") from error
