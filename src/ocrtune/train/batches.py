"""Batches of training lines: shuffled, augmented, padded to one width.

Nearly all are full, so that the network meets few shapes: on a CPU each new one costs compiled
kernels. What is left of a bucket at the end of an epoch is therefore padded to the next one.

An epoch's order, augmentation, looks of drawn lines and batches depend on (seed, epoch) alone, not on the
number of workers or processes, so that a resumed epoch continues with the very batch it would have had. Every
process prepares all lines, for how wide they become decides on the batches, and learns from its part of each.
"""

from __future__ import annotations

import itertools
import math
import queue
import threading
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ocrtune.decoding import CTC, ClassLayout
from ocrtune.preprocess import PreprocessSpec
from ocrtune.records import Image
from ocrtune.train.augment import Augment
from ocrtune.train.visits import Visits

CHUNK = 1024
"""Lines prepared before batches are cut: bounds memory, and buckets fill well at this size."""

WIDTH_OF_BATCH_SIZE = 320
"""px: `--batch-size` counts lines of this width; narrower lines share a batch in larger number."""

CARRY = 1.5
"""How much wider than its own bucket a line may be padded to fill a batch, at most."""

PREFETCH = 4
"""Batches prepared ahead of the network."""


def lines_of_batch(width: int, batch_size: int) -> int:
    """Lines of a full batch whose lines are `width` px wide."""
    return max(1, min(4 * batch_size, batch_size * WIDTH_OF_BATCH_SIZE // width))


Member = tuple[int, Image]
"""A line of a batch: its index, and its image as resized for the network."""
Waiting = dict[int, list[Member]]
"""Lines by bucket that wait for their batch."""


class Lines(Protocol):
    """What training needs of its lines."""

    def __len__(self) -> int:
        """Number of lines."""
        ...

    def image(self, index: int, look: int = 0, /) -> Image:
        """The decoded image of a line; lines that are drawn have many looks, stored ones have one."""
        ...


class Steps(Protocol):
    """Time steps of a network for an input width."""

    def __call__(self, width: int, /) -> int:
        """T for `width` px."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines of one bucket."""

    images: npt.NDArray[np.float32]
    """(N, channels, height, width), normalised."""
    targets: npt.NDArray[np.int64]
    """Classes of all lines, one after another."""
    target_lengths: npt.NDArray[np.int64]
    """(N,)"""
    share: float
    """N over the lines that a full batch of this width has; scales the loss of a rest."""
    lines: npt.NDArray[np.int64]
    """(N,) indices of the lines."""
    places: npt.NDArray[np.int64]
    """(N,) of the lines in the batch as it was cut: 0 to N - 1 unless these are some rows of it."""

    def rows(self, rows: npt.NDArray[np.int64]) -> Batch:
        """Some of its lines, with their part of its say in the loss."""
        labels = np.split(self.targets, np.cumsum(self.target_lengths)[:-1])
        return Batch(
            images=self.images[rows],
            targets=np.concatenate([labels[row] for row in rows] or [self.targets[:0]]),
            target_lengths=self.target_lengths[rows],
            share=self.share * len(rows) / len(self.target_lengths),
            lines=self.lines[rows],
            places=self.places[rows],
        )


class LineFeeder:
    """Feeds one training run.

    Args:
        lines: images by index.
        targets: classes of each line's label.
        visits: of each line in each epoch; fractions are drawn.
        spec: how images become arrays.
        steps: of the network, to keep augmentation from squeezing a label out of its steps.
        augment: changes to each image, or None.
        batch_size: lines of 320 px in a batch.
        seed: of order and augmentation.
        workers: threads that prepare images (OpenCV releases the interpreter lock).
        extra_padding: px, at most, added to a line's width before its bucket is chosen, drawn at each visit.
        layout: tells how many steps a label needs.
    """

    def __init__(
        self,
        lines: Lines,
        targets: Sequence[Sequence[int]],
        visits: Visits,
        spec: PreprocessSpec,
        steps: Steps,
        augment: Augment | None,
        batch_size: int,
        seed: int,
        workers: int,
        extra_padding: int = 0,
        layout: ClassLayout = CTC,
    ) -> None:
        self._lines = lines
        # In one array: of ten million lines, an array each takes three gigabytes for its overhead alone.
        self._targets = np.fromiter(itertools.chain.from_iterable(targets), np.int32)
        self._ends = np.cumsum([0, *map(len, targets)])
        self._steps_needed = [layout.steps_needed(t) for t in targets]
        self._visits = visits
        self._spec = spec
        self._steps = steps
        self._augment = augment
        self._batch_size = batch_size
        self._seed = seed
        self._workers = workers
        self._extra_padding = extra_padding

    def order(self, epoch: int) -> npt.NDArray[np.int64]:
        """Line indices of an epoch, each as often as it is to come."""
        generator = np.random.default_rng((self._seed, epoch))
        visits = self._visits.of_epoch(epoch)
        counts = np.floor(visits + generator.random(len(visits))).astype(np.int64)
        if not counts.any():  # small weights drew none
            counts[np.flatnonzero(visits)] += 1
        return generator.permutation(np.repeat(np.arange(len(counts)), counts))

    def epoch(self, epoch: int, skip: int = 0) -> Generator[Batch]:
        """The batches of an epoch from batch `skip` on, prepared ahead in the background."""
        ready: queue.Queue[Batch | BaseException | None] = queue.Queue(PREFETCH)
        stop = threading.Event()

        def put(item: Batch | BaseException | None) -> None:
            while not stop.is_set():
                try:
                    return ready.put(item, timeout=0.2)
                except queue.Full:
                    continue
            return None

        def produce() -> None:
            try:
                for number, batch in enumerate(self._batches(epoch, stop)):
                    if number >= skip:
                        put(batch)
                put(None)
            except BaseException as error:  # noqa: BLE001 - raised again in the consuming thread
                put(error)

        producer = threading.Thread(target=produce, name="batches", daemon=True)
        producer.start()
        try:
            while (item := ready.get()) is not None:
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            stop.set()
            producer.join()

    def _batches(self, epoch: int, stop: threading.Event) -> Iterator[Batch]:
        order = self.order(epoch)
        shuffle = np.random.default_rng((self._seed, epoch, 1))
        waiting: Waiting = {}
        with ThreadPoolExecutor(self._workers) as pool:
            for start in range(0, len(order), CHUNK):
                if stop.is_set():
                    return
                visits = range(start, min(start + CHUNK, len(order)))
                prepared = pool.map(
                    lambda v: self._prepare(int(order[v]), epoch, (self._seed, epoch, 2, v)),
                    visits,
                )
                for visit, image in zip(visits, prepared, strict=True):
                    width = self._padded_width(image.shape[1], shuffle)
                    waiting.setdefault(width, []).append((int(order[visit]), image))
                last = visits.stop == len(order)
                cut = list(self._cut(waiting))
                if last:
                    cut += self._cut_rests(waiting)
                for i in shuffle.permutation(len(cut)):
                    yield self._assemble(*cut[i])

    def _padded_width(self, line_width: int, generator: np.random.Generator) -> int:
        """A bucket for a line: the one it will have when it is read, or one a little wider."""
        extra = int(generator.integers(self._extra_padding + 1))
        return self._spec.bucket_of(min(line_width + extra, self._spec.width_buckets[-1]))

    def _cut(self, waiting: Waiting) -> Iterator[tuple[int, list[Member]]]:
        """Take full batches off the queues: (width, members)."""
        for width, queued in sorted(waiting.items()):
            full = lines_of_batch(width, self._batch_size)
            while len(queued) >= full:
                yield width, queued[:full]
                del queued[:full]

    def _cut_rests(self, waiting: Waiting) -> Iterator[tuple[int, list[Member]]]:
        """Take what no longer fills a batch, each rest together with the next wider one if it may."""
        widths = sorted(width for width, queued in waiting.items() if queued)
        members: list[Member] = []  # from narrow to wide
        for width, wider in itertools.pairwise([*widths, math.inf]):
            members = members + waiting[int(width)]
            full = lines_of_batch(int(width), self._batch_size)
            while len(members) >= full:
                yield int(width), members[:full]
                members = members[full:]
            if members and wider > CARRY * self._spec.bucket_of(members[0][1].shape[1]):
                yield int(width), members
                members = []

    def _prepare(self, index: int, look: int, seed: tuple[int, ...]) -> Image:
        original = self._lines.image(index, look)
        if look and not self._has_room(original, index):
            # Only the first look was checked against the network's steps.
            original = self._lines.image(index)
        if self._augment is not None:
            changed = self._augment(original, np.random.default_rng(seed))
            if self._has_room(changed, index):
                return self._spec.resize(changed)
        return self._spec.resize(original)

    def _has_room(self, image: Image, index: int) -> bool:
        """Whether the network has enough time steps for the label at the image's width."""
        return self._steps(self._spec.bucket(image)) >= self._steps_needed[index]

    def _assemble(self, width: int, members: list[Member]) -> Batch:
        targets = [self._targets[self._ends[index] : self._ends[index + 1]] for index, _ in members]
        return Batch(
            images=self._spec.batch([image for _, image in members], width),
            targets=np.concatenate(targets).astype(np.int64),
            target_lengths=np.array([len(t) for t in targets], np.int64),
            share=len(members) / lines_of_batch(width, self._batch_size),
            lines=np.array([index for index, _ in members], np.int64),
            places=np.arange(len(members)),
        )
