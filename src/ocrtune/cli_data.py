"""The commands of `ocrtune data`: each turns its options into one call and prints what came back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ocrtune.cli import ImageFolder, Overwrite, note, progress_bar
from ocrtune.errors import InputError


def pack(
    *paths: str,
    output: Annotated[Path, Parameter(alias="-o")],
    images: ImageFolder = None,
    overwrite: Overwrite = False,
) -> None:
    """Write labelled lines as one LMDB in the format of deep-text-recognition-benchmark.

    Args:
        paths: Folders with labels.txt, label files, or folders that hold LMDBs.
        output: The LMDB folder to make.
    """
    from ocrtune.data.dataset import open_dataset
    from ocrtune.data.lmdb_store import pack as pack_lmdb
    from ocrtune.data.rejects import summarise_rejects
    from ocrtune.reading.files import printable

    if not paths:
        raise InputError("data pack needs labelled lines: ocrtune data pack PATH... -o OUT")
    datasets = [open_dataset(path, images) for path in paths]
    for dataset in datasets:
        note(dataset.resolved)
    with progress_bar("Packing") as progress:
        packed = pack_lmdb(datasets, output, overwrite=overwrite, progress=progress)
    print(f"{packed.lines} lines in {packed.path}")
    if packed.rejects:
        print(f"Left out: {printable(summarise_rejects(packed.rejects))}")


def import_labels(
    *paths: Path,
    output: Annotated[Path, Parameter(alias="-o")],
    lmdb: bool = False,
    format: str | None = None,
    encoding: str | None = None,
    images: ImageFolder = None,
    overwrite: Overwrite = False,
) -> None:
    """Turn labels of other tools into a folder with images/ and labels.txt, or into an LMDB.

    Lines on pages are cut out. What cannot be used is listed in skipped.tsv.

    Args:
        paths: Label files, or folders that hold labels in any known format.
        output: The folder to make.
        lmdb: Make an LMDB.
        format: Take the labels for this format instead of telling it by the files (docs/data.md).
        encoding: Of the label files, such as cp1252 or gb18030, instead of finding it.
    """
    from ocrtune.data.formats.registry import open_labels
    from ocrtune.data.importing import import_lines, join_lines, require_free
    from ocrtune.data.rejects import SKIPPED_FILE, summarise_rejects
    from ocrtune.reading.files import printable

    if not paths:
        raise InputError("data import needs labels: ocrtune data import PATH... -o OUT")
    require_free(output, overwrite=overwrite)
    parts = []
    for path in paths:
        with progress_bar("Reading labels") as progress:
            parts.append(open_labels(path, format, encoding, images, progress))
        note(parts[-1].resolved)
    with progress_bar("Importing") as progress:
        imported = import_lines(
            join_lines(parts), output, as_lmdb=lmdb, overwrite=overwrite, progress=progress
        )
    print(f"{imported.lines} lines in {imported.path}")
    if imported.rejects:
        counted = printable(summarise_rejects(imported.rejects))
        print(f"Left out: {counted}; all are in {imported.path / SKIPPED_FILE}")
