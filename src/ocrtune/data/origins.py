"""Where the lines of a packed LMDB came from: a list beside its data file, written and read here.

It is not within the LMDB, so that who shares the data need not share the names of his folders, and no other
reader of the format meets a key that it does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ocrtune.data.dataset import LineDataset
from ocrtune.data.lines import LineEntry
from ocrtune.data.lmdb_reading import LmdbImage, image_key
from ocrtune.data.rejects import as_tsv
from ocrtune.errors import InputError

SOURCES = "sources.tsv"

_HEADER = "record\tdataset\tsource\tid\n"
_FIELDS = 4
_ROW_LIMIT = 2**16
"""Characters; three paths have some hundred. A longer one is refused."""


@contextmanager
def writing_origins(folder: Path) -> Iterator[Callable[[int, str, LineEntry], None]]:
    """A function that notes the origin of one record: its number, the dataset's name, and the line there."""
    with (folder / SOURCES).open("w", encoding="utf-8", newline="") as file:
        file.write(_HEADER)

        def add(number: int, dataset: str, entry: LineEntry) -> None:
            file.write(as_tsv([(str(number), dataset, entry.source, entry.id)]))

        yield add


def names_of(dataset: LineDataset) -> list[str]:
    """The name that each line's image had before it was packed; its id where none is known.

    Raises:
        InputError: a list of origins is not what `pack` writes, or of another LMDB.
    """
    lists: dict[Path, dict[str, str]] = {}
    names = []
    for entry, image in zip(dataset.entries, dataset.images, strict=True):
        name = entry.id
        if isinstance(image, LmdbImage):
            if image.folder not in lists:
                lists[image.folder] = _read(image.folder / SOURCES)
            if origins := lists[image.folder]:
                if image.key not in origins:
                    file = image.folder / SOURCES
                    raise InputError(f"{file} lacks {image.key}: it is of another LMDB; remove it")
                name = origins[image.key]
        names.append(name)
    return names


def _read(file: Path) -> dict[str, str]:
    """Image keys and the ids their lines had; empty where there is no list."""
    if not file.is_file():
        return {}
    origins = {}
    try:
        with file.open(encoding="utf-8", newline="\n") as rows:
            if rows.readline(len(_HEADER)) != _HEADER:
                raise InputError(f"{file} is no list that data pack wrote; remove it")
            for number, row in enumerate(iter(lambda: rows.readline(_ROW_LIMIT), ""), start=1):
                fields = row.removesuffix("\n").split("\t")
                if len(fields) != _FIELDS or fields[0] != str(number) or not row.endswith("\n"):
                    raise InputError(f"{file}:{number + 1} is no row of {_FIELDS} fields; pack again")
                origins[image_key(number)] = fields[3]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {file}: {error}; remove it or pack again") from error
    return origins
