"""Packs datasets into one LMDB in the format of deep-text-recognition-benchmark: one file to copy and share.

Reading that format is `lmdb_reading.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import lmdb

from ocrtune.data.dataset import LineDataset
from ocrtune.data.headers import image_size
from ocrtune.data.images import ImageError, decode_image
from ocrtune.data.lines import EncodedImage, LineEntry
from ocrtune.data.lmdb_reading import COUNT_KEY, DATA_FILE, close_environment, image_key, label_key
from ocrtune.data.origins import SOURCES, writing_origins
from ocrtune.data.rejects import Reject, summarise_rejects
from ocrtune.data.staging import staged_folder
from ocrtune.errors import InputError
from ocrtune.output import refuse_existing

Record = tuple[bytes, bytes]

FIRST_MAP_SIZE = 16 * 2**20
"""Bytes; doubled whenever it is full. Windows gives the file this size at once, so it starts small."""

_PROGRESS_EVERY = 100
_RECORDS_PER_TRANSACTION = 1000
_BYTES_PER_TRANSACTION = 16 * 2**20
"""A transaction's records are kept until it is through, to write them again in a larger map."""

_LMDB_FILES = {DATA_FILE, "lock.mdb", SOURCES}

Verify = Literal["header", "full"]


@dataclass(frozen=True, slots=True)
class Packed:
    """What `pack` wrote."""

    path: Path
    lines: int
    rejects: tuple[Reject, ...]
    """Lines left out: no text, or an image that cannot be used."""


def pack(
    datasets: Sequence[LineDataset],
    out: Path,
    *,
    verify: Verify = "header",
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Packed:
    """Write the lines of `datasets`, one after the other, to the LMDB folder `out`.

    Encoded images are stored as they are, byte for byte. `sources.tsv` beside them says of each record
    which dataset, source line and id it came from.

    Args:
        datasets: at least one; none weighted, since the format has no place for weights.
        out: the folder to make; it appears when it is complete.
        verify: "header" refuses what is missing, empty, no image, over a limit or cut off (`image_size`);
            "full" decodes every image, which finds a few of the JPEGs damaged within, at a quarter of the
            speed (log 2026-11-22).
        overwrite: replace an LMDB that is there.
        progress: called with (lines done, lines in all).

    Raises:
        InputError: `out` exists, no line can be used, a dataset is weighted, or the disk refuses.
    """
    refuse_existing(out, overwrite=overwrite)
    if out.exists() and not (out.is_dir() and {file.name for file in out.iterdir()} <= _LMDB_FILES):
        raise InputError(f"{out} is not an LMDB folder, so it is not overwritten; choose another name")
    for dataset in datasets:
        if dataset.weight != 1:
            raise InputError(f"{dataset.name}@{dataset.weight:g}: an LMDB keeps no weight; pack it without")
    rejects = [reject for dataset in datasets for reject in dataset.rejects]
    with staged_folder(out) as staging:
        count = _write(staging, usable_lines(datasets, verify, rejects, progress))
        if count == 0:
            names = ", ".join(dataset.name for dataset in datasets)
            raise InputError(f"no line of {names} can be packed: {summarise_rejects(rejects)}")
        close_environment(out)
    return Packed(out, count, tuple(rejects))


@dataclass(frozen=True, slots=True)
class UsableLine:
    """A line whose image was verified."""

    dataset: LineDataset
    entry: LineEntry
    content: bytes


def usable_lines(
    datasets: Sequence[LineDataset],
    verify: Verify,
    rejects: list[Reject],
    progress: Callable[[int, int], None] | None,
) -> Iterator[UsableLine]:
    """The lines whose image can be used; the others go to `rejects`."""
    total = sum(map(len, datasets))
    done = 0
    for dataset in datasets:
        for entry, image in zip(dataset.entries, dataset.images, strict=True):
            done += 1
            try:
                content = _read_verified(image, verify)
            except ImageError as error:
                rejects.append(Reject(entry.id, entry.source, error.reason, f"{image.where}: {error.detail}"))
            else:
                yield UsableLine(dataset, entry, content)
            if progress is not None and (done % _PROGRESS_EVERY == 0 or done == total):
                progress(done, total)


def _read_verified(image: EncodedImage, verify: Verify) -> bytes:
    content = image.read()
    if verify == "full":
        decode_image(content, image.where)
    else:
        image_size(content, image.where)
    return content


def _write(folder: Path, lines: Iterator[UsableLine]) -> int:
    """Write `lines` to a new LMDB in `folder`, and where they came from; returns how many there were."""
    labels: list[str] = []
    # Nobody else opens a staging folder: no lock file. Each commit need not reach the disk either,
    # since `staged_folder` syncs the finished file.
    with (
        lmdb.open(str(folder), map_size=FIRST_MAP_SIZE, lock=False, sync=False) as environment,
        writing_origins(folder) as add_origin,
    ):

        def images() -> Iterator[Record]:
            for number, line in enumerate(lines, start=1):
                add_origin(number, line.dataset.name, line.entry)
                labels.append(line.entry.text)
                yield image_key(number).encode(), line.content

        # In the order of the keys, so that pages get full: else small images take 1.5 times the space.
        _append(environment, images())
        _append(
            environment, ((label_key(n).encode(), text.encode()) for n, text in enumerate(labels, start=1))
        )
        _append(environment, [(COUNT_KEY, str(len(labels)).encode())])  # last: its absence marks a torso
    return len(labels)


def _append(environment: lmdb.Environment, records: Iterable[Record]) -> None:
    """Write `records`, whose keys ascend and are above all others, a transaction at a time."""
    batch: list[Record] = []
    batch_bytes = 0
    for record in records:
        batch.append(record)
        batch_bytes += len(record[1])
        if len(batch) >= _RECORDS_PER_TRANSACTION or batch_bytes >= _BYTES_PER_TRANSACTION:
            put_records(environment, batch, append=True)
            batch, batch_bytes = [], 0
    put_records(environment, batch, append=True)


def put_records(
    environment: lmdb.Environment,
    records: Sequence[Record],
    *,
    forget: bytes | None = None,
    append: bool = False,
) -> None:
    """Write `records` and remove the key `forget` in one transaction, in a larger map if need be.

    With `append` the keys ascend and are above all that is there.
    """
    while True:
        try:
            with environment.begin(write=True) as transaction:
                for key, value in records:
                    transaction.put(key, value, append=append)
                if forget is not None:
                    transaction.delete(forget)
            return
        except lmdb.MapFullError:
            environment.set_mapsize(2 * environment.info()["map_size"])
