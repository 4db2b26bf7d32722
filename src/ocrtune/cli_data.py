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
