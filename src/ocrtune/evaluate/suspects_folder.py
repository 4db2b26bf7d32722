"""What `data suspects` leaves: a table on the terminal, and a folder with a list and a page."""

from __future__ import annotations

from pathlib import Path

from ocrtune.data.rejects import summarise_rejects
from ocrtune.data.staging import staged_folder
from ocrtune.errors import InputError
from ocrtune.evaluate.judging import Judging
from ocrtune.evaluate.suspects import Weighing
from ocrtune.evaluate.suspects_page import suspects_page, suspects_tsv
from ocrtune.output import refuse_existing, write_text

LIST, PAGE = "suspects.tsv", "suspects.html"


def require_free(out: Path, *, overwrite: bool) -> None:
    """Stop before any work where `out` cannot be written.

    Raises:
        InputError: it exists without `overwrite`, or holds something else than suspects.
    """
    refuse_existing(out, overwrite=overwrite)
    if out.exists() and not (out.is_dir() and {file.name for file in out.iterdir()} <= {LIST, PAGE}):
        raise InputError(f"{out} holds more than suspects, so it is not overwritten; choose another name")


def counted(weighing: Weighing) -> str:
    """How many lines were read, and how many of them otherwise than labelled."""
    said = f"{len(weighing.suspects)} of {weighing.lines} lines are read otherwise than they are labelled"
    return said + (", case ignored" if weighing.ignore_case else "")


def suspects_table(weighing: Weighing, top: int) -> list[str]:
    """Lines to print: counts, and the `top` suspects with score, place, label and reading."""
    rows = [counted(weighing)]
    for suspect in weighing.suspects[:top]:
        rows += [
            f"{suspect.score:8.2f}  {suspect.entry.source}",
            f"          label  {suspect.entry.text}",
            f"          read   {suspect.reading}",
        ]
    if weighing.rejects:
        rows.append(f"Not judged: {summarise_rejects(weighing.rejects)}")
    return rows


def write_suspects(
    weighing: Weighing, judging: Judging, out: Path, page: int, *, overwrite: bool = False
) -> None:
    """Write `LIST` of all suspects, and `PAGE` with the first `page` of them.

    Raises:
        InputError: see `require_free`; or the disk refuses.
    """
    require_free(out, overwrite=overwrite)
    suspects = weighing.suspects
    how = (
        f"Judged by {judging.model} as it is."
        if judging.folds == 1
        else f"Judged by {judging.folds} models fine-tuned from {judging.model}, each on lines it never saw."
    )
    notes = [
        f"{counted(weighing)}; the {min(page, len(suspects))} most likely wrong labels are here, "
        "worst first. What differs is marked; most of what comes late is the model's mistake.",
        how,
        *judging.notes,
    ]
    title = f"Suspects in {', '.join(dataset.name for dataset in weighing.datasets)}"
    with staged_folder(out) as staging:
        write_text(staging / LIST, suspects_tsv(suspects), overwrite=False)
        content = suspects_page(suspects[:page], title, notes, ignore_case=weighing.ignore_case)
        write_text(staging / PAGE, content, overwrite=False)
