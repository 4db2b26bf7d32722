"""Which lines train, validate and test: whole groups, each on the side that its name falls on.

Also the check that no line stands on two sides. Writing a split down is `split_files.py`.
"""

from __future__ import annotations

import bisect
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from ocrtune.data.dataset import LineDataset
from ocrtune.data.groups import BY_LINE, BY_PAGE, Grouping, group_lines
from ocrtune.data.images import ImageError
from ocrtune.data.origins import names_of
from ocrtune.errors import InputError

VAL_SHARE = 0.1
"""Share of the lines that validate where nothing else is asked for."""


MOST_VAL = 1 / 3
"""Share of the lines that may validate in training where the user did not choose them."""


class Side(StrEnum):
    """What a line is for."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Shares:
    """How much is asked for of each side, as fractions of the groups; the rest trains."""

    val: float = VAL_SHARE
    test: float = 0.0

    def __post_init__(self) -> None:
        for option, share in (("--val", self.val), ("--test", self.test)):
            if not 0 <= share < 1:
                raise InputError(f"{option} {share:g}: give a fraction from 0 to below 1, such as 0.1")
        if not 0 < self.val + self.test < 1:
            raise InputError(
                f"--val {self.val:g} and --test {self.test:g}: together more than 0 and less than 1"
            )

    @property
    def sides(self) -> tuple[Side, ...]:
        """Those that get lines."""
        wanted = {Side.TRAIN: 1.0, Side.VAL: self.val, Side.TEST: self.test}
        return tuple(side for side, share in wanted.items() if share > 0)


@dataclass(frozen=True, slots=True)
class Sides:
    """The side of every group. Those of the lowest positions validate, those of the highest test."""

    val_below: float
    """Groups of lower positions validate."""
    test_from: float
    """Groups of this position and higher ones test."""
    seed: int
    borrowed: bool
    """A side on which no group falls by its name got the nearest, and gives it back when others are added."""

    def of(self, group: str) -> Side:
        """The side of a group, by its name."""
        position = position_of(group, self.seed)
        if position < self.val_below:
            return Side.VAL
        return Side.TEST if position >= self.test_from else Side.TRAIN


def assign_sides(groups: Iterable[str], shares: Shares, seed: int = 0) -> Sides:
    """Lay every group on a side, by its name and the seed alone: groups added later move none of the others.

    Where none falls on a side that is asked for, the nearest does (`Sides.borrowed`), so that each has one.

    Raises:
        InputError: there are fewer groups than sides.
    """
    positions = sorted({position_of(group, seed) for group in groups})
    if len(positions) < len(shares.sides):
        raise InputError(
            f"{len(positions)} groups are too few for {', '.join(shares.sides)}; "
            "add lines of other pages, or let each line be its own with --group none"
        )
    count = len(positions)
    val_by_name = bisect.bisect_left(positions, shares.val)
    test_by_name = count - bisect.bisect_left(positions, 1 - shares.test)
    val, test = max(val_by_name, shares.val > 0), max(test_by_name, shares.test > 0)
    while val + test >= count:  # one is left to train
        val, test = (val - 1, test) if val > test else (val, test - 1)
    return Sides(
        val_below=shares.val if val == val_by_name else positions[val],
        test_from=1 - shares.test if test == test_by_name else positions[-test],
        seed=seed,
        borrowed=(val, test) != (val_by_name, test_by_name),
    )


def split_validation(dataset: LineDataset) -> tuple[LineDataset, LineDataset, Grouping]:
    """Split off about a tenth of a dataset for validation, as `ocrtune data split` does by default.

    Where few pages are so uneven that more than `MOST_VAL` of the lines would validate, every line goes
    by its own name.

    Returns:
        The training and the validation part, each with the rejects of its side; and the groups.

    Raises:
        InputError: all lines are of one image, so that no line is left to train.
    """
    ids = names_of(dataset) + [reject.id for reject in dataset.rejects]
    distinct = len(set(ids[: len(dataset)]))
    if distinct < 2:
        raise InputError(
            f"{dataset.name} has {distinct} different lines, too few to split some off for validation; "
            "add lines or give --val"
        )
    for by in (BY_PAGE, BY_LINE):
        grouping = group_lines(ids, by)
        names = grouping.names[: len(dataset)]
        if by == BY_PAGE and len(set(names)) < 2:
            continue
        sides = assign_sides(names, Shares())
        validates = [sides.of(name) is Side.VAL for name in grouping.names]
        if sum(validates[: len(dataset)]) <= MOST_VAL * len(dataset):
            break
    lines, rejects = validates[: len(dataset)], validates[len(dataset) :]

    def part(wanted: bool) -> LineDataset:
        return dataset.select(
            (i for i, is_val in enumerate(lines) if is_val is wanted),
            (reject for reject, is_val in zip(dataset.rejects, rejects, strict=True) if is_val is wanted),
        )

    return part(False), part(True), grouping


def duplicates_between(train: LineDataset, val: LineDataset) -> int:
    """How many lines of `val` are in `train` too.

    That is the same image file or LMDB key, or the same encoded image with the same text. Ids are not
    compared, since `images/0001.png` is another image in every folder. An image that cannot be read is
    compared by its location alone.
    """
    locations = {image.location for image in train.images}
    contents = {_content(train, i) for i in range(len(train))} - {None}
    return sum(val.images[i].location in locations or _content(val, i) in contents for i in range(len(val)))


def position_of(group: str, seed: int) -> float:
    """Where a group stands, from 0 to below 1: uniform, and the same on every machine."""
    content = f"{seed}\0{group}".encode("utf-8", "surrogatepass")  # a folder name need not be Unicode
    return int.from_bytes(hashlib.sha256(content).digest()[:6]) / 2**48


def _content(dataset: LineDataset, index: int) -> bytes | None:
    """Digest of a line's encoded image and text; None where the image cannot be read."""
    try:
        content = dataset.images[index].read()
    except ImageError:  # the audit counts and names it
        return None
    return hashlib.sha256(hashlib.sha256(content).digest() + dataset.entries[index].text.encode()).digest()
