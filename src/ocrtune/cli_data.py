"""The commands of `ocrtune data`: each turns its options into one call and prints what came back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from ocrtune.cli import ImageFolder, Model, Overwrite, note, progress_bar
from ocrtune.errors import InputError


def pack(
    *paths: str,
    output: Annotated[Path, Parameter(alias="-o")],
    verify: Literal["header", "full"] = "header",
    images: ImageFolder = None,
    overwrite: Overwrite = False,
) -> None:
    """Write labelled lines as one LMDB in the format of deep-text-recognition-benchmark.

    Args:
        paths: Folders with labels.txt, label files, or folders that hold LMDBs.
        output: The LMDB folder to make; sources.tsv in it says where each record came from.
        verify: header refuses images that are missing, cut off or none; full decodes each one.
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
        packed = pack_lmdb(datasets, output, verify=verify, overwrite=overwrite, progress=progress)
    print(f"{packed.lines} lines in {packed.path}")
    if packed.rejects:
        print(f"Left out: {printable(summarise_rejects(packed.rejects))}")


def split(
    *paths: str,
    output: Annotated[Path, Parameter(alias="-o")],
    val: float = 0.1,
    test: float = 0.0,
    group: str = "page",
    seed: int = 0,
    copy: bool = False,
    images: ImageFolder = None,
    overwrite: Overwrite = False,
) -> None:
    """Lay labelled lines on train, val and test: whole pages, each by its name, never line by line.

    Args:
        paths: Folders with labels.txt, label files, or folders that hold LMDBs.
        output: The folder to make: train.txt, val.txt, test.txt, and split.json with each group's side.
        val: Share that validates.
        test: Share that is kept back to test.
        group: What belongs together: page (told from image names), none, or a regular expression whose
            first bracket is the group.
        seed: Another seed is another split; the same one moves nothing when lines are added.
        copy: Copy the images, into a folder for each side.
    """
    from ocrtune.data.dataset import open_dataset
    from ocrtune.data.rejects import SKIPPED_FILE, summarise_rejects
    from ocrtune.data.split import Shares
    from ocrtune.data.split_files import write_split
    from ocrtune.data.split_plan import plan_split
    from ocrtune.output import refuse_existing
    from ocrtune.reading.files import printable

    if not paths:
        raise InputError("data split needs labelled lines: ocrtune data split PATH... -o OUT")
    shares = Shares(val, test)
    refuse_existing(output, overwrite=overwrite)
    datasets = [open_dataset(path, images) for path in paths]
    for dataset in datasets:
        note(dataset.resolved)
    plan = plan_split(datasets, shares, group, seed)
    with progress_bar("Writing") as progress:
        written = write_split(plan, output, copy=copy, overwrite=overwrite, progress=progress)
    for line in plan.summary():
        print(printable(line))
    for side, path in written.labels.items():
        print(f"{side:5}  {written.lines[side]} lines in {path}")
    if written.rejects:
        print(f"Left out: {printable(summarise_rejects(written.rejects))}; all in {output / SKIPPED_FILE}")


def stats(
    *paths: str,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    json: Path | None = None,
    images: ImageFolder = None,
    overwrite: Overwrite = False,
) -> None:
    """Count what labelled lines hold, and say which height, width and time stride suit them, and why.

    Args:
        paths: Folders with labels.txt, label files, or folders that hold LMDBs.
        output: PNG to draw the figures into; needs matplotlib.
        json: File to write all figures to.
    """
    from importlib.util import find_spec

    from ocrtune.data.dataset import open_dataset
    from ocrtune.data.proposals import propose
    from ocrtune.data.statistics import count_lines
    from ocrtune.data.statistics_table import statistics_table
    from ocrtune.output import refuse_existing, write_bytes, write_json
    from ocrtune.reading.files import printable

    if not paths:
        raise InputError("data stats needs labelled lines: ocrtune data stats PATH...")
    for file in filter(None, (output, json)):
        refuse_existing(file, overwrite=overwrite)
    if output is not None and find_spec("matplotlib") is None:
        raise InputError(f"drawing {output} needs matplotlib: pip install 'ocrtune[train]'")
    with progress_bar("Counting") as progress:
        counted = count_lines((open_dataset(path, images) for path in paths), progress)
    for line in statistics_table(counted):
        print(printable(line))
    if json is not None:
        proposals = {p.setting.lstrip("-"): {"value": p.value, "reason": p.reason} for p in propose(counted)}
        write_json(json, {**counted.to_json(), "settings": proposals}, overwrite=overwrite)
    if output is not None:
        from ocrtune.data.statistics_picture import statistics_picture

        write_bytes(output, statistics_picture(counted), overwrite=overwrite)


def import_labels(
    *paths: Path,
    output: Annotated[Path, Parameter(alias="-o")],
    corrections: tuple[Path, ...] = (),
    all: bool = False,
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
        corrections: Files that `ocrtune serve --collect` wrote: their accepted corrections.
        all: Take corrections that nobody has reviewed yet as well.
        lmdb: Make an LMDB.
        format: Take the labels for this format instead of telling it by the files (docs/data.md).
        encoding: Of the label files, such as cp1252 or gb18030, instead of finding it.
    """
    from ocrtune.data.corrections_import import correction_lines
    from ocrtune.data.formats.registry import open_labels
    from ocrtune.data.importing import import_lines, join_lines, require_free
    from ocrtune.data.rejects import SKIPPED_FILE, summarise_rejects
    from ocrtune.reading.files import printable

    if not (paths or corrections):
        raise InputError("data import needs labels: ocrtune data import PATH... -o OUT")
    if all and not corrections:
        raise InputError("--all goes with --corrections FILE; leave it out")
    require_free(output, overwrite=overwrite)
    parts = []
    for path in paths:
        with progress_bar("Reading labels") as progress:
            parts.append(open_labels(path, format, encoding, images, progress))
        note(parts[-1].resolved)
    for file in corrections:
        parts.append(correction_lines(file, unreviewed=all))
        note(parts[-1].resolved)
    with progress_bar("Importing") as progress:
        imported = import_lines(
            join_lines(parts), output, as_lmdb=lmdb, overwrite=overwrite, progress=progress
        )
    print(f"{imported.lines} lines in {imported.path}")
    if imported.rejects:
        counted = printable(summarise_rejects(imported.rejects))
        print(f"Left out: {counted}; all are in {imported.path / SKIPPED_FILE}")


def check(
    *paths: str,
    val: tuple[str, ...] = (),
    model: Model = None,
    images: ImageFolder = None,
    max_bad: float = 0.02,
    rare: int = 5,
    difference: float = 0.02,
    read: int = 2000,
    json: Path | None = None,
    overwrite: Overwrite = False,
) -> None:
    """Say what is wrong with labelled lines, and what mends it. Nothing is changed.

    Args:
        paths: Folders with labels.txt, label files, or folders that hold LMDBs: lines to train on.
        val: Lines to validate on, as for train.
        model: A model that must know all symbols, and that reads lines to find those that are upside down
            or on their side; without one, training chooses the symbols, and nothing is read.
        max_bad: Exit with code 1 when more than this fraction of a PATH is unusable.
        rare: A symbol in fewer lines of PATH than this is a finding.
        difference: Fraction of exact match that the validation lines should be able to show.
        read: Lines that the model reads, evenly spread; a second takes about 60 on a core.
        json: File to write all findings to, with the place of every line.
    """
    from ocrtune.data.check.checking import check_datasets
    from ocrtune.data.check.model_limits import find_limits, find_reader
    from ocrtune.data.check.report import enforce_max_bad, summarise, to_json
    from ocrtune.data.dataset import open_dataset
    from ocrtune.output import refuse_existing, write_json
    from ocrtune.reading.files import printable

    if not paths:
        raise InputError("data check needs labelled lines: ocrtune data check PATH...")
    for option, value in {"--max-bad": max_bad, "--difference": difference}.items():
        if not 0 <= value <= 1 or (option == "--difference" and value == 0):
            raise InputError(f"{option} {value:g}: give a fraction between 0 and 1, such as 0.02")
    if read < 0:
        raise InputError(f"--read {read}: give a number of lines, or 0 to read none")
    if json is not None:
        refuse_existing(json, overwrite=overwrite)
    limits = find_limits(model)
    train = [open_dataset(path, images) for path in paths]
    validation = [open_dataset(path, images) for path in val]
    for dataset in (*train, *validation):
        note(dataset.resolved)
    with progress_bar("Checking") as progress:
        checked = check_datasets(
            train,
            validation,
            limits,
            images=images,
            rare=rare,
            difference=difference,
            recognizer=find_reader(model),
            read=read,
            progress=progress,
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


def suspects(
    model: Model = None,
    *,
    data: tuple[str, ...],
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    images: ImageFolder = None,
    ignore_case: bool = False,
    folds: int | None = None,
    epochs: int | None = None,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    top: int = 20,
    page: int = 300,
    overwrite: Overwrite = False,
) -> None:
    """Rank labels that are likely wrong: lines on which a model that has not learnt them reads another text.

    Without MODEL, models are trained for it: each on a part of the pages, to judge the others.

    Args:
        data: Folders with labels.txt, label files, or folders that hold LMDBs.
        output: Folder to make, with suspects.tsv, and suspects.html to look through.
        ignore_case: Compare and weigh capitals, for labels that do not keep the case of the print.
        folds: Models to train, each judging the lines that it was not trained on; 1 trains none.
        epochs: Of each training; by default as many as show it about 10,000 lines.
        device: Where to train.
        top: Suspects to print.
        page: Suspects to show on the page.
    """
    from ocrtune.cli_training import missing_packages, require_training_packages
    from ocrtune.evaluate.judging import judge_as_it_is, plan_judging
    from ocrtune.evaluate.suspects import Weighing, open_lines
    from ocrtune.evaluate.suspects_folder import LIST, PAGE, require_free, suspects_table, write_suspects
    from ocrtune.reading.files import printable

    for option, value in {"--top": top, "--page": page}.items():
        if value < 0:
            raise InputError(f"{option} {value}: give 0 or more")
    if output is not None:
        require_free(output, overwrite=overwrite)
    datasets = open_lines(data, images)
    for dataset in datasets:
        note(dataset.resolved)
    judging = plan_judging(model, datasets, folds, can_train=not missing_packages())
    for said in judging.notes:
        note(said)
    if judging.folds == 1:
        judges = judge_as_it_is(judging, datasets)
    else:
        require_training_packages()
        from ocrtune.workflows.cross_fitting import cross_fit

        judges = cross_fit(judging, datasets, epochs, device, note)
    weighing = Weighing(datasets, ignore_case=ignore_case)
    for judge in judges:
        with progress_bar("Judging") as progress:
            weighing.add(judge, progress)
    for line in suspects_table(weighing, top):
        print(printable(line))
    if output is not None:
        write_suspects(weighing, judging, output, page, overwrite=overwrite)
        print(f"All of them: {output / LIST}; to look through: {output / PAGE}")


def crop(
    *pages: Path,
    output: Annotated[Path, Parameter(alias="-o")],
    model: Model = None,
    overwrite: Overwrite = False,
) -> None:
    """Cut the lines out of whole pages, and write a labels.txt with readings to correct.

    Args:
        pages: Images, multi-page TIFFs and PDFs, or folders with them.
        output: The folder to make: images/, labels.txt, and lines.tsv with each line's page and confidence.
    """
    from ocrtune.api import load
    from ocrtune.data.page_crops import crop_pages, require_free
    from ocrtune.data.rejects import SKIPPED_FILE, summarise_rejects
    from ocrtune.reading.files import PAGE_SUFFIXES, find_images, printable

    require_free(output, overwrite=overwrite)
    files = find_images(pages, PAGE_SUFFIXES)
    reader = load(model).page_reader
    with progress_bar("Cutting") as progress:
        cropped = crop_pages(reader, files, output, overwrite=overwrite, progress=progress)
    print(f"{cropped.lines} lines of {cropped.pages} pages in {cropped.path}")
    print("Correct what labels.txt says before you train on it; lines.tsv says how sure each reading is")
    if cropped.unread:
        print(f"Without a reading, with an empty label: {cropped.unread}")
    if cropped.rejects:
        counted = printable(summarise_rejects(cropped.rejects))
        print(f"Left out: {counted}; all are in {cropped.path / SKIPPED_FILE}")
