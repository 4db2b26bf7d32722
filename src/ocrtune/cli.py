"""The commands: each turns its options into one call of a stage and prints what came back.

Stages are imported inside the handlers, so that `--help` answers at once and reading needs no torch.
The commands that train are in `cli_training.py`, those of `ocrtune data` in `cli_data.py`, `read` in
`cli_reading.py`, `serve` in `cli_serve.py` and `synth` in `cli_synth.py`.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter

from ocrtune.errors import InputError, OcrtuneError

Model = Annotated[
    str | None,
    Parameter(alias="-m", help="A base's name, a run folder, a bundle or an ONNX file. [default: the base]"),
]
ImageFolder = Annotated[
    Path | None, Parameter(help="Folder that image paths in label files are relative to.")
]
Overwrite = Annotated[bool, Parameter(help="Replace an output that is already there.")]

WEAKEST_SYMBOLS = 8
"""Symbols that `eval` names; they fit on a line."""

INTERRUPTED = 130
"""Exit code of what Ctrl-C ended, 128 + SIGINT, as shells report it."""

_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)
"""What any disk may answer; other errors of the system are defects and keep their traceback."""


def _version() -> str:
    from importlib.metadata import version

    return version("ocrtune")


app = App(
    name="ocrtune",
    help="Fine-tune an OCR engine to your own material, measure it, and read with it.",
    version=_version,
    # `--data A B` is two values, and no option has an opposite that does nothing.
    default_parameter=Parameter(negative=(), consume_multiple=True),
    suppress_keyboard_interrupt=False,
    result_action="return_value",
)
data_app = App(name="data", help="Prepare labelled lines.")
app.command(data_app)
for _name, _help in {
    "check": "Say what is wrong with labelled lines, and what mends it.",
    "crop": "Cut the lines out of whole pages, with readings to correct.",
    "fix": "Write a mended copy of labelled lines, with a log of every change.",
    "pack": "Write labelled lines as one LMDB in the format of deep-text-recognition-benchmark.",
    "split": "Lay labelled lines on train, val and test: whole pages, each by its name.",
    "suspects": "Rank labels that are likely wrong, by models that have not learnt them.",
    "stats": "Count what labelled lines hold, and say which settings suit them.",
}.items():
    data_app.command(f"ocrtune.cli_data:{_name}", name=_name, help=_help)
data_app.command(  # `import` is no name a function can have
    "ocrtune.cli_data:import_labels", name="import", help="Turn labels of other tools into a dataset."
)
# By name: their options come from pydantic models, whose import alone takes as long as `--help`.
for _name, _help in {
    "quickstart": "Run the whole chain on receipts made here: score, fine-tune, score again, export, read.",
    "train": "Fine-tune a model on labelled lines.",
    "retrain": "Train on corrections, compare, and put into service what is better.",
    "convert": "Turn a checkpoint of another project into a bundle.",
    "export": "Write a model as one file for another runtime, checked against the original.",
}.items():
    app.command(f"ocrtune.cli_training:{_name}", name=_name, help=_help)
app.command("ocrtune.cli_reading:read", name="read", help="Read pages, or images of lines.")
app.command(
    "ocrtune.cli_serve:serve", name="serve", help="Serve a model over REST, with a web page to try it."
)
app.command("ocrtune.cli_synth:synth", name="synth", help="Make labelled line images from text.")


@app.command(name="eval")
def evaluate(
    model: Model = None,
    *,
    data: tuple[str, ...],
    images: ImageFolder = None,
    ignore_case: bool = False,
    json: Path | None = None,
    max_cer: float | None = None,
    overwrite: Overwrite = False,
) -> None:
    """Measure how well a model reads labelled lines.

    Args:
        data: Folders with labels.txt, label files, or folders that hold LMDBs.
        ignore_case: Compare upper-cased texts.
        json: File to write all figures to, rates as fractions.
        max_cer: Exit with code 1 when the average CER is above this fraction.
    """
    from ocrtune.evaluate.evaluation import evaluate_paths
    from ocrtune.output import refuse_existing, write_json
    from ocrtune.reading.models import find_model
    from ocrtune.reading.recognizer import OnnxRecognizer

    if json is not None:
        refuse_existing(json, overwrite=overwrite)
    found = find_model(model)
    recognizer = OnnxRecognizer(found.manifest, found.onnx_path)
    with progress_bar("Reading") as progress:
        report = evaluate_paths(
            recognizer, data, images, ignore_case=ignore_case, report=note, progress=progress
        )
    print(report.summary(WEAKEST_SYMBOLS))
    if json is not None:
        write_json(json, report.to_json(), overwrite=overwrite)
    if max_cer is not None:
        report.enforce_max_cer(max_cer)


@app.command
def models() -> None:
    """List the bases that come with the installation."""
    from ocrtune.reading.models import list_bases

    for base in list_bases():
        manifest = base.manifest
        size = base.onnx_path.stat().st_size / 2**20
        print(f"{manifest.name}\t{len(manifest.symbols):,} symbols\t{size:.0f} MiB\t{manifest.licence}")
        print(f"\t{manifest.origin}")


@app.command
def info(model: Model = None) -> None:
    """Show what a model is: its network, symbols, preprocessing, origin and figures."""
    from ocrtune.reading.describe import describe
    from ocrtune.reading.files import printable
    from ocrtune.reading.models import find_model

    rows = describe(find_model(model))
    width = max(len(label) for label, _ in rows)
    for label, value in rows:
        print(f"{label:{width}}  {printable(value)}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code.

    0: done. 1: the data or the model fails a stated bar. 2: wrong usage or unreadable input.
    """
    for stream in (sys.stdout, sys.stderr):
        # A redirected stream has the locale's encoding, which may not have the symbols that were read.
        if isinstance(stream, io.TextIOWrapper) and not stream.isatty():
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        result = app(arguments, exit_on_error=False, print_error=False)
        sys.stdout.flush()
    except OcrtuneError as error:
        print_error(str(error))
        return error.exit_code
    except CycloptsError as error:
        print_error(usage_message(error))
        return InputError.exit_code
    except KeyboardInterrupt:
        print_error("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has enough (`| head`); what is still buffered must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno not in _DISK_ERRORS:
            raise
        place = "" if error.filename is None else f" ({error.filename})"
        print_error(f"{error.strerror}{place}; free space or choose another place")
        return InputError.exit_code
    return result if isinstance(result, int) else 0


def usage_message(error: CycloptsError) -> str:
    """One line for a wrong command line, options spelled as the user spells them."""
    from pydantic import ValidationError

    if not isinstance(error.__cause__, ValidationError):
        return str(error)
    first = error.__cause__.errors()[0]
    reason = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return reason  # a contradiction between options names them itself
    option = "--" + str(first["loc"][0]).replace("_", "-")
    if first["type"] == "missing":
        return f"{option} is missing"
    return f"{option} {first['input']}: {reason[0].lower()}{reason[1:]}"


def note(message: str) -> None:
    """Tell how something was understood, beside the results."""
    from ocrtune.reading.files import printable

    print(printable(message), file=sys.stderr)


@contextmanager
def progress_bar(description: str) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on a terminal's stderr, given (done, total); None where nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(description, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def print_error(message: str) -> None:
    """Say what went wrong; the command goes on or ends after it."""
    from ocrtune.reading.files import printable

    print(f"ocrtune: error: {printable(message)}", file=sys.stderr)
