"""One pass over the lines: each image is decoded once, by threads, and a row of numbers stays of it."""

from __future__ import annotations

import bisect
import itertools
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from ocrtune.data.check.fingerprint import FINGERPRINT_BYTES, LEAST_SYMBOLS, Print, alike_pairs, is_same_print
from ocrtune.data.check.measuring import LineMeasure, measure_image
from ocrtune.data.dataset import LineDataset
from ocrtune.data.images import ImageError
from ocrtune.data.lines import EncodedImage, LineEntry
from ocrtune.records import Image
from ocrtune.synth.texts.labels import clean

_BATCH = 32
"""Images a thread measures in a row."""

_PRINTS = 512
"""Decoded lines that are kept at hand while those of one text are compared."""

Table = npt.NDArray[np.void]

_ROW = np.dtype(
    [
        ("text", np.uint64),  # a hash: equal texts, equal numbers
        ("content", np.uint64),  # of `LineMeasure`; 0 where there is no ink to compare
        ("ink_height", np.uint32),
        ("ink_width", np.uint32),
        ("symbols", np.uint32),
        ("fingerprint", np.uint8, FINGERPRINT_BYTES),
    ]
)
"""92 bytes a line: a million lines take 88 MiB."""


@dataclass(frozen=True, eq=False)
class LineSet:
    """The lines of several datasets under one numbering: those to train on first, then those to validate."""

    datasets: tuple[LineDataset, ...]
    train_sets: int
    """How many of the datasets are trained on."""

    def __len__(self) -> int:
        return self._starts[-1]

    @cached_property
    def _starts(self) -> tuple[int, ...]:
        return tuple(itertools.accumulate(map(len, self.datasets), initial=0))

    @property
    def train_lines(self) -> int:
        """The number of the first line to validate."""
        return self._starts[self.train_sets]

    def numbers(self, dataset: int) -> range:
        """Of the lines of a dataset."""
        return range(self._starts[dataset], self._starts[dataset + 1])

    def entry(self, line: int) -> LineEntry:
        """The label of a line."""
        dataset, index = self._place(line)
        return dataset.entries[index]

    def image(self, line: int) -> Image:
        """Decode the image of a line; see `LineDataset.image`."""
        dataset, index = self._place(line)
        return dataset.image(index)

    def _place(self, line: int) -> tuple[LineDataset, int]:
        dataset = bisect.bisect_right(self._starts, line) - 1
        return self.datasets[dataset], line - self._starts[dataset]


@dataclass(frozen=True, eq=False)
class SetFacts:
    """What is known of all lines when the pass is over."""

    lines: LineSet
    table: Table
    """A row of `_ROW` for each line."""
    train_symbols: dict[str, list[int]] = field(default_factory=dict)
    """Symbol of the labels to train on: the number of lines with it, and the first."""
    val_symbols: dict[str, list[int]] = field(default_factory=dict)
    rare: int = 5
    """Fewer lines with a symbol are too few."""
    difference: float = 0.02
    """Of exact match, that the validation set should show."""

    @classmethod
    def empty(cls, lines: LineSet, rare: int, difference: float) -> SetFacts:
        """Before the pass."""
        return cls(lines, np.zeros(len(lines), _ROW), rare=rare, difference=difference)

    def add(self, line: int, measure: LineMeasure | None) -> None:
        """Keep what is needed of a line; None of an image without ink, or none that can be read."""
        text = clean(self.lines.entry(line).text)
        row = self.table[line]
        row["text"] = int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest())
        row["symbols"] = len(text)
        if measure is not None:
            row["content"] = measure.content or 1
            row["ink_height"], row["ink_width"] = measure.ink_height, measure.ink_width
            row["fingerprint"] = measure.fingerprint
        counts = self.train_symbols if line < self.lines.train_lines else self.val_symbols
        for symbol in set(text):
            counts.setdefault(symbol, [0, line])[0] += 1

    @cached_property
    def exact_copies(self) -> list[tuple[int, int]]:
        """Pairs (first, later) of lines with the same pixels and the same text."""
        return [
            (int(members[0]), int(later))
            for members in groups_of(self.table["content"])
            for members in groups_of(self.table["text"], members)
            for later in members[1:]
        ]

    @cached_property
    def near_copies(self) -> list[tuple[int, int]]:
        """Pairs (earlier, later) of lines with one text and nearly the same pixels; each later line once."""
        pairs: dict[int, int] = {}

        @lru_cache(_PRINTS)
        def print_of(line: int) -> Print:
            return Print(self.lines.image(line))

        exact = {later for _, later in self.exact_copies}
        compared = np.flatnonzero((self.table["content"] > 0) & (self.table["symbols"] >= LEAST_SYMBOLS))
        for members in groups_of(self.table["text"], compared):
            rows = self.table[members]
            for first, second in alike_pairs(rows["fingerprint"], rows["ink_width"] / rows["ink_height"]):
                earlier, later = int(members[first]), int(members[second])
                if later in exact or earlier in exact or later in pairs:
                    continue
                if is_same_print(print_of(earlier), print_of(later)):
                    pairs[later] = earlier
        return sorted((earlier, later) for later, earlier in pairs.items())


def groups_of(
    keys: npt.NDArray[np.uint64], among: npt.NDArray[np.int64] | None = None
) -> Iterator[npt.NDArray[np.int64]]:
    """Line numbers that share a key other than 0, ascending; two at least."""
    members = np.flatnonzero(keys) if among is None else among
    order = members[np.argsort(keys[members], kind="stable")]
    borders = np.flatnonzero(np.diff(keys[order])) + 1
    return (group for group in np.split(order, borders) if len(group) > 1)


def measured(
    images: Sequence[EncodedImage], progress: Callable[[int, int], None] | None
) -> Iterator[LineMeasure | ImageError]:
    """Measure images in their order, with a thread for each core; few are held at a time."""
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[list[LineMeasure | ImageError]]] = deque()
        starts = iter(range(0, len(images), _BATCH))
        done = 0
        while True:
            while len(waiting) < 2 * workers and (start := next(starts, None)) is not None:
                waiting.append(pool.submit(_measure_batch, images[start : start + _BATCH]))
            if not waiting:
                return
            batch = waiting.popleft().result()
            yield from batch
            done += len(batch)
            if progress is not None:
                progress(done, len(images))


def _measure_batch(images: Sequence[EncodedImage]) -> list[LineMeasure | ImageError]:
    return [measure_image(image) for image in images]
