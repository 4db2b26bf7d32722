"""Which lines validate: split off by name, and the check that none of them is trained on as well."""

from __future__ import annotations

import hashlib

from ocrtune.data.dataset import LineDataset
from ocrtune.data.images import ImageError
from ocrtune.errors import InputError


def split_validation(dataset: LineDataset, fraction: float = 0.1) -> tuple[LineDataset, LineDataset]:
    """Split off about `fraction` of the lines for validation, by their ids.

    Each id falls on its side by its own hash: lines added later move none of the others, and an
    image labelled twice stays on one side. Where no id falls on the validation side, the nearest does.

    Args:
        dataset: at least two different ids.
        fraction: of the lines, between 0 and 1.

    Returns:
        The training and the validation part; each carries the rejects of its side.

    Raises:
        InputError: all lines have one id, so that no line is left to train.
    """
    positions = [_position(entry.id) for entry in dataset.entries]
    distinct = sorted(set(positions))
    if len(distinct) < 2:
        raise InputError(
            f"{dataset.name} has {len(distinct)} different lines, too few to split some off for validation; "
            "add lines or give --val"
        )
    border = min(max(fraction, distinct[0]), distinct[-2])  # at least one validates and one trains
    train = dataset.select(
        (i for i, position in enumerate(positions) if position > border),
        (reject for reject in dataset.rejects if _position(reject.id) > border),
    )
    validation = dataset.select(
        (i for i, position in enumerate(positions) if position <= border),
        (reject for reject in dataset.rejects if _position(reject.id) <= border),
    )
    return train, validation


def duplicates_between(train: LineDataset, val: LineDataset) -> int:
    """How many lines of `val` are in `train` too.

    That is the same image file or LMDB key, or the same encoded image with the same text. Ids are not
    compared, since `images/0001.png` is another image in every folder. An image that cannot be read is
    compared by its location alone.
    """
    locations = {image.location for image in train.images}
    contents = {_content(train, i) for i in range(len(train))} - {None}
    return sum(val.images[i].location in locations or _content(val, i) in contents for i in range(len(val)))


def _position(line_id: str) -> float:
    """Where an id stands between 0 and 1: uniform, and the same on every machine."""
    return int.from_bytes(hashlib.sha256(line_id.encode("utf-8", "surrogatepass")).digest()[:6]) / 2**48


def _content(dataset: LineDataset, index: int) -> bytes | None:
    """Digest of a line's encoded image and text; None where the image cannot be read."""
    try:
        content = dataset.images[index].read()
    except ImageError:  # the audit counts and names it
        return None
    return hashlib.sha256(hashlib.sha256(content).digest() + dataset.entries[index].text.encode()).digest()
