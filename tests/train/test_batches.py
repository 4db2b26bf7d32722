"""The feeder: order and batches by (seed, epoch), weights, buckets, shares, errors."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from ocrtune.preprocess import PreprocessSpec
from ocrtune.records import Image
from ocrtune.train import batches as batches_module
from ocrtune.train.batches import Batch, LineFeeder
from ocrtune.train.visits import Visits

SPEC = PreprocessSpec(
    height=8, width_buckets=(32, 64, 128, 320), channels="gray", mean=0, std=1, padding=-1
)  # a pixel of the input is a grey level of the image


class FlatLines:
    """Line i is a grey image of level i (below 200) and 8 px high; it counts how often it is fetched."""

    def __init__(self, widths: Sequence[int]) -> None:
        self.widths = widths
        self.fetched: Counter[int] = Counter()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.widths)

    def image(self, index: int, look: int = 0, /) -> Image:
        with self._lock:
            self.fetched[index] += 1
        return np.full((8, self.widths[index]), index, np.uint8)


def a_step_per_4_px(width: int, /) -> int:
    return width // 4


def brighten(image: Image, generator: np.random.Generator) -> Image:
    """An augmentation whose randomness shows in the batch."""
    return image + np.uint8(generator.integers(1, 50))


def widths_of(count: int) -> list[int]:
    """From 20 to 319 px, so that every bucket has some."""
    return [20 + 37 * i % 300 for i in range(count)]


def feeder(widths: Sequence[int], **options: Any) -> LineFeeder:
    """Line i is labelled (i + 1,), which tells where it went."""
    settings: dict[str, Any] = {
        "lines": FlatLines(widths),
        "targets": [[i + 1] for i in range(len(widths))],
        "visits": Visits([1.0] * len(widths)),
        "spec": SPEC,
        "steps": a_step_per_4_px,
        "augment": None,
        "batch_size": 2,
        "seed": 7,
        "workers": 2,
    }
    return LineFeeder(**{**settings, **options})


def visited(batches: Sequence[Batch]) -> list[int]:
    """Line indices in the order they come, told from the labels of `feeder`."""
    return [int(target) - 1 for batch in batches for target in batch.targets]


def same(first: Sequence[Batch], second: Sequence[Batch]) -> bool:
    return len(first) == len(second) and all(
        np.array_equal(a.images, b.images)
        and np.array_equal(a.targets, b.targets)
        and np.array_equal(a.target_lengths, b.target_lengths)
        and a.share == b.share
        for a, b in zip(first, second, strict=True)
    )


def test_a_batch_holds_its_lines_and_their_labels() -> None:
    targets = [[5], [6, 6, 7], []]
    (batch,) = feeder([20, 32, 10], targets=targets, batch_size=1).epoch(0)
    assert batch.images.dtype == np.float32
    assert batch.images.shape == (3, 1, 8, 32)
    lines = batch.images[:, 0, 0, 0].astype(int).tolist()
    assert sorted(lines) == [0, 1, 2]
    assert batch.targets.tolist() == [c for line in lines for c in targets[line]]
    assert batch.target_lengths.tolist() == [len(targets[line]) for line in lines]
    for line, image in zip(lines, batch.images, strict=True):
        width = [20, 32, 10][line]
        assert (image[0, :, :width] == line).all()
        assert (image[0, :, width:] == SPEC.padding).all()


@pytest.mark.parametrize("augment", [None, brighten])
def test_an_epoch_depends_on_seed_and_number_alone(augment: Any) -> None:
    """Not on the workers, not on epochs before, not on which feeder it is."""
    widths = widths_of(120)
    batches = list(feeder(widths, augment=augment, workers=1).epoch(3))
    other = feeder(widths, augment=augment, workers=5)
    list(other.epoch(0))
    assert same(list(other.epoch(3)), batches)
    assert same(list(other.epoch(3)), batches)


def changes_by_visit(feed: LineFeeder, epoch: int) -> list[float]:
    """What `brighten` added at the first visit of an epoch, at the second and so on."""
    batches = list(feed.epoch(epoch))
    levels = [level for batch in batches for level in batch.images[:, 0, 0, 0]]
    added = {line: float(level - line) for line, level in zip(visited(batches), levels, strict=True)}
    return [added[line] for line in feed.order(epoch).tolist()]


@pytest.mark.parametrize(("epoch", "seed"), [(4, 7), (3, 8)])
def test_another_epoch_or_seed_is_another_order_and_another_augmentation(epoch: int, seed: int) -> None:
    feed, other = (feeder([32] * 40, augment=brighten, seed=s) for s in (7, seed))
    assert other.order(epoch).tolist() != feed.order(3).tolist()
    assert changes_by_visit(other, epoch) != changes_by_visit(feed, 3)


@pytest.mark.parametrize("skip", [0, 1, 5, "last", "all"])
def test_a_resumed_epoch_continues_with_the_very_batch(
    skip: int | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches_module, "CHUNK", 32)  # several cuts in 120 lines
    widths = widths_of(120)
    whole = list(feeder(widths, augment=brighten).epoch(2))
    count = {"last": len(whole) - 1, "all": len(whole)}.get(str(skip), skip)
    assert isinstance(count, int)
    assert same(list(feeder(widths, augment=brighten, workers=3).epoch(2, count)), whole[count:])


@pytest.mark.parametrize("chunk", [16, 1024])
def test_every_line_is_visited_once(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches_module, "CHUNK", chunk)
    lines = FlatLines(widths_of(150))
    batches = list(feeder(lines.widths, lines=lines).epoch(0))
    assert sorted(visited(batches)) == list(range(150))
    assert visited(batches) != list(range(150))
    assert lines.fetched == Counter(range(150))


@pytest.mark.parametrize(
    ("weight", "visits"),
    [
        (1.0, {1}),
        (2.0, {2}),
        (3.0, {3}),
        (0.0, {0}),
        # Whole visits are certain, the rest is drawn.
        (0.5, {0, 1}),
        (2.25, {2, 3}),
    ],
)
def test_weights_are_visits(weight: float, visits: set[int]) -> None:
    count = 1000
    order = feeder([32] * (count + 1), visits=Visits([weight] * count + [1.0])).order(0)
    times = np.bincount(order, minlength=count + 1)
    assert set(times[:count].tolist()) == visits
    assert times[count] == 1
    # Drawn fractions meet their mean; 0.08 is five standard deviations of 1,000 fair coins.
    assert times[:count].mean() == pytest.approx(weight, abs=0.08)


def test_fractions_are_drawn_anew_in_each_epoch() -> None:
    """Weight 0.25 does not leave three quarters of the lines out for good."""
    feed = feeder([32] * 100, visits=Visits([0.25] * 100))
    chosen = [frozenset(feed.order(epoch).tolist()) for epoch in range(40)]
    assert len(set(chosen)) == 40
    assert frozenset().union(*chosen) == frozenset(range(100))
    assert set(visited(list(feed.epoch(5)))) == chosen[5]


def test_an_epoch_has_the_visits_that_are_its_own() -> None:
    """Lines that fade come most in the first epoch, and not at all in the last."""
    feed = feeder([32] * 3, visits=Visits([1.0, 1.5, 3.0], [False, True, True], epochs=4))
    times = [np.bincount(feed.order(epoch), minlength=3).tolist() for epoch in range(4)]
    assert times == [[1, 3, 6], [1, 2, 4], [1, 1, 2], [1, 0, 0]]


def test_no_epoch_is_without_a_line() -> None:
    """Of 2 lines at a tenth of a visit most epochs would draw none."""
    for epoch in range(5):
        assert list(feeder([40, 40], visits=Visits([0.1, 0.1])).epoch(epoch))


def test_only_equal_buckets_share_a_batch() -> None:
    widths = widths_of(150)
    batches = list(feeder(widths).epoch(0))
    assert {batch.images.shape[3] for batch in batches} == set(SPEC.width_buckets)
    for batch in batches:
        assert {SPEC.bucket_of(widths[line]) for line in visited([batch])} == {batch.images.shape[3]}


def test_extra_padding_moves_lines_to_wider_buckets_and_never_past_the_last() -> None:
    """30 px go to 32 or, with up to 50 px more, to 64 and 128; 320 px have nowhere to go."""
    widths = [30] * 60 + [320] * 2
    batches = list(feeder(widths, extra_padding=50).epoch(0))
    assert sorted(visited(batches)) == list(range(62))
    assert {b.images.shape[3] for b in batches} == {32, 64, 128, 320}
    assert all(b.images.shape[3] == 320 for b in batches if {60, 61} & set(visited([b])))


@pytest.mark.parametrize(
    ("widths", "batches"),
    [
        # Batch size 2: 6 lines fill a batch of 96 px, 5 one of 120, 4 one of 160. Two are left of 96 px,
        # which go with three of 120; the fourth of 120 goes with three of 160.
        ([96] * 8 + [120] * 4 + [160] * 3, {(96, 6), (120, 5), (160, 4)}),
        # What does not fill a batch even so is one of the widest.
        ([96] * 2 + [120], {(120, 3)}),
        # 320 px are over 1.5 times 120: padding so far would cost more than a small batch.
        ([120] * 2 + [320], {(120, 2), (320, 1)}),
        # So would lines of 96 px in 160, though the step between is small.
        ([96] * 2 + [120] + [160], {(120, 3), (160, 1)}),
    ],
)
def test_rests_fill_the_batches_of_the_next_bucket(widths: list[int], batches: set[tuple[int, int]]) -> None:
    spec = SPEC.model_copy(update={"width_buckets": (96, 120, 160, 320)})
    fed = list(feeder(widths, spec=spec).epoch(0))
    assert {(b.images.shape[3], len(b.images)) for b in fed} == batches
    assert sorted(visited(fed)) == list(range(len(widths)))


@pytest.mark.parametrize(
    ("width", "lines", "full", "sizes"),
    [
        # Batch size 2: two lines of 320 px are 640 px, so five of 128 px, but never more than 8.
        (320, 5, 2, [2, 2, 1]),
        (128, 12, 5, [5, 5, 2]),
        (64, 9, 8, [8, 1]),
        (32, 16, 8, [8, 8]),
        (32, 1, 8, [1]),
    ],
)
def test_full_batches_and_the_share_of_the_rest(width: int, lines: int, full: int, sizes: list[int]) -> None:
    batches = list(feeder([width] * lines).epoch(0))
    assert sorted((len(b.images) for b in batches), reverse=True) == sizes
    assert [b.share for b in batches] == [len(b.images) / full for b in batches]


def test_a_bucket_wider_than_a_batch_still_takes_one_line() -> None:
    spec = SPEC.model_copy(update={"width_buckets": (32, 1000)})
    batches = list(feeder([1000, 1000], spec=spec, batch_size=1).epoch(0))
    assert [(b.images.shape, b.share) for b in batches] == [((1, 1, 8, 1000), 1.0)] * 2


def test_lines_left_over_wait_for_the_next_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the end of an epoch makes a batch that is not full: one for each bucket, at most."""
    monkeypatch.setattr(batches_module, "CHUNK", 10)
    batches = list(feeder(widths_of(150)).epoch(0))
    rests = Counter(b.images.shape[3] for b in batches if b.share < 1)
    assert len(batches) > 30
    assert max(rests.values()) == 1


def test_narrow_batches_do_not_all_come_first() -> None:
    widths = [batch.images.shape[3] for batch in feeder(widths_of(150)).epoch(0)]
    assert widths != sorted(widths)


def test_rows_of_a_batch_keep_their_labels_and_places_and_their_part_of_the_loss() -> None:
    targets = [[5], [6, 6, 7], [], [8]]
    (batch,) = feeder([20] * 4, targets=targets, batch_size=1).epoch(0)
    some = batch.rows(np.array([1, 3]))
    last = some.rows(np.array([1]))
    assert (batch.share, some.share, last.share) == (1.0, 0.5, 0.25)
    assert (batch.places.tolist(), some.places.tolist(), last.places.tolist()) == ([0, 1, 2, 3], [1, 3], [3])
    for part in (batch, some, last):
        lines = part.lines.tolist()
        assert part.images[:, 0, 0, 0].tolist() == lines
        assert part.targets.tolist() == [c for line in lines for c in targets[line]]
        assert part.target_lengths.tolist() == [len(targets[line]) for line in lines]


def _squeeze(image: Image, generator: np.random.Generator) -> Image:
    return np.ascontiguousarray(image[:, ::4] + np.uint8(100))


@pytest.mark.parametrize(
    ("label", "kept"),
    [
        # Line of 128 px: 32 steps; squeezed to 32 px: 8 steps.
        (list(range(1, 9)), True),
        (list(range(1, 10)), False),
        # Repeats need a blank between: five equal classes take nine steps.
        ([3, 3, 3, 3], True),
        ([3, 3, 3, 3, 3], False),
        ([], True),
    ],
)
def test_augmentation_that_squeezes_a_label_out_of_its_steps_is_dropped(label: list[int], kept: bool) -> None:
    (batch,) = feeder([128], targets=[label], augment=_squeeze).epoch(0)
    assert batch.images.shape[3] == (32 if kept else 128)
    assert batch.images[0, 0, 0, 0] == (100 if kept else 0)
    assert batch.targets.tolist() == label


class _DamagedLines(FlatLines):
    def image(self, index: int, look: int = 0, /) -> Image:
        if index == 13:
            raise ValueError("line 13 is damaged")
        return super().image(index)


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


def test_an_error_in_an_image_comes_out_and_ends_the_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches_module, "CHUNK", 8)
    feed = feeder([32] * 40, lines=_DamagedLines([32] * 40))
    batches = feed.epoch(0)
    with pytest.raises(ValueError, match="line 13 is damaged"):
        list(batches)
    assert next(batches, None) is None
    assert "batches" not in threads()


def test_an_error_in_an_augmentation_comes_out() -> None:
    def fail(image: Image, generator: np.random.Generator) -> Image:
        raise RuntimeError("no such change")

    with pytest.raises(RuntimeError, match="no such change"):
        list(feeder([32], augment=fail).epoch(0))


def test_an_epoch_left_early_leaves_no_thread_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that stops at its step or time limit closes the generator with batches still waiting."""
    monkeypatch.setattr(batches_module, "CHUNK", 8)
    lines = FlatLines([32] * 200)
    batches = feeder(lines.widths, lines=lines).epoch(0)
    next(batches)
    assert "batches" in threads()
    batches.close()
    assert "batches" not in threads()
    assert lines.fetched.total() < 200


def test_an_epoch_of_no_lines_has_no_batches() -> None:
    assert list(feeder([]).epoch(0)) == []
    assert list(feeder([32, 32], visits=Visits([0.0, 0.0])).epoch(0)) == []


class _LooksOfLines(FlatLines):
    """Look n of any line is grey level n; the third look of a line is too narrow for its label."""

    def image(self, index: int, look: int = 0, /) -> Image:
        width = 4 if look == 2 else self.widths[index]
        return np.full((8, width), look, np.uint8)


def test_drawn_lines_look_different_in_each_epoch() -> None:
    lines = _LooksOfLines([40] * 4)
    levels = [
        {
            float(level)
            for batch in feeder(lines.widths, lines=lines).epoch(epoch)
            for level in batch.images[:, 0, 0, 0]
        }
        for epoch in (0, 1, 3)
    ]
    assert levels == [{0.0}, {1.0}, {3.0}]


def test_a_look_too_narrow_for_its_label_is_replaced_by_the_first() -> None:
    lines = _LooksOfLines([40] * 4)
    of_eight = [[1, 2, 3, 4, 5, 6, 7, 8, 9]] * 4
    batches = list(feeder(lines.widths, lines=lines, targets=of_eight).epoch(2))
    assert {float(level) for batch in batches for level in batch.images[:, 0, 0, 0]} == {0.0}
    assert {batch.images.shape[3] for batch in batches} == {64}
