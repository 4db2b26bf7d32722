"""The commands of `ocrtune data`: each turns its options into one call and prints what came back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ocrtune.cli import ImageFolder, Model, Overwrite, note, progress_bar
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


def check(
    *paths: str,
    val: tuple[str, ...] = (),
    model: Model = None,
    images: ImageFolder = None,
    max_bad: float = 0.02,
    rare: int = 5,
    difference: float = 0.02,
    json: Path | None = None,
    overwrite: Overwrite = False,
) -> None:
    """Say what is wrong with labelled lines, and what mends it. Nothing is changed.

    Args:
        paths: Folders with labels.txt, label files, or folders that hold LMDBs: lines to train on.
        val: Lines to validate on, as for train.
        model: A model that must know all symbols; without one, training chooses them.
        max_bad: Exit with code 1 when more than this fraction of a PATH is unusable.
        rare: A symbol in fewer lines of PATH than this is a finding.
        difference: Fraction of exact match that the validation lines should be able to show.
        json: File to write all findings to, with the place of every line.
    """
    from ocrtune.data.check.checking import check_datasets
    from ocrtune.data.check.model_limits import find_limits
    from ocrtune.data.check.report import enforce_max_bad, summarise, to_json
    from ocrtune.data.dataset import open_dataset
    from ocrtune.output import refuse_existing, write_json
    from ocrtune.reading.files import printable

    if not paths:
        raise InputError("data check needs labelled lines: ocrtune data check PATH...")
    for option, value in {"--max-bad": max_bad, "--difference": difference}.items():
        if not 0 <= value <= 1 or (option == "--difference" and value == 0):
            raise InputError(f"{option} {value:g}: give a fraction between 0 and 1, such as 0.02")
    if json is not None:
        refuse_existing(json, overwrite=overwrite)
    limits = find_limits(model)
    train = [open_dataset(path, images) for path in paths]
    validation = [open_dataset(path, images) for path in val]
    for dataset in (*train, *validation):
        note(dataset.resolved)
    with progress_bar("Checking") as progress:
        checked = check_datasets(
            train, validation, limits, images=images, rare=rare, difference=difference, progress=progress
        )
    print("\n".join(map(printable, summarise(checked).split("\n"))))
    if json is not None:
        write_json(json, to_json(checked), overwrite=overwrite)
    enforce_max_bad(checked, max_bad)


def fix(
    path: str,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    images: ImageFolder = None,
    overwrite: Overwrite = False,
) -> None:
    """Write a mended copy of labelled lines, with a log of every change.

    Args:
        path: A folder with labels.txt, a label file, or a folder that holds LMDBs.
        output: The folder to make.
    """
    from ocrtune.data.check.fix import CHANGES, TO_DO, fix_dataset
    from ocrtune.data.dataset import open_dataset

    dataset = open_dataset(path, images)
    note(dataset.resolved)
    with progress_bar("Mending") as progress:
        fixed = fix_dataset(dataset, output, overwrite=overwrite, progress=progress)
    print(f"{fixed.lines} lines in {fixed.path}")
    for name, count in fixed.changes.most_common():
        print(f"  {name}: {count}")
    print(f"Every change: {fixed.path / CHANGES}")
    if fixed.to_do:
        counts = ", ".join(f"{count} {reason}" for reason, count in fixed.to_do.most_common())
        print(f"Left out, for you to decide ({fixed.path / TO_DO}): {counts}")
