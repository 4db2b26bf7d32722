"""The commands that need torch; `cli.py` registers them by name and says what they are for."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from ocrtune.cli import Overwrite
from ocrtune.config import TrainConfig
from ocrtune.errors import InputError

TRAINING_PACKAGES = ("torch", "accelerate", "onnx", "onnxscript", "matplotlib", "uharfbuzz")
"""Imported by the stages below the torch line; the extra `train` installs them."""


def train(*, config: Annotated[TrainConfig, Parameter(name="*")], resume: bool = False) -> int:
    """Fine-tune a model on labelled lines.

    Args:
        resume: Continue the run in the output folder from where it stopped, with its options.
    """
    if not config.train and not resume:
        raise InputError("--train is missing: give labelled lines, or --resume to continue a run")
    require_training_packages()
    from ocrtune.train.run import train as run_training

    stopped = run_training(config, resume=resume).stopped
    return 0 if stopped is None else 128 + stopped  # what a shell reports of a process that a signal ended


def export(
    model: str,
    *,
    to: Literal["onnx"],
    output: Annotated[Path, Parameter(alias="-o")],
    data: tuple[str, ...] = (),
    overwrite: Overwrite = False,
) -> None:
    """Write a model as one file for another runtime, checked against the original.

    Args:
        model: A base's name, a run folder or a bundle.
        to: The form to write.
        output: The file to write.
        data: Labelled lines to check it on; without any, lines drawn for the purpose.
    """
    require_training_packages()
    from ocrtune.convert.export import export_onnx_model

    result = export_onnx_model(model, output, overwrite, data)
    same = result.lines_checked - result.texts_differ
    checked = f"{same} of {result.lines_checked} lines read the same, the others at ties"
    if not result.texts_differ:
        checked = f"all {result.lines_checked} lines read the same"
    print(f"{output}: {checked}, largest difference of a probability {result.max_difference:.1e}")
    print(f"torch: {result.ms_torch:.1f} ms per line")
    print(f"ONNX Runtime: {result.ms_onnx:.1f} ms per line")


def convert(
    file: Path,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    character: str | None = None,
    arch: str | None = None,
    height: int | None = None,
    width: int | None = None,
    pad: bool = False,
    max_length: int | None = None,
    overwrite: Overwrite = False,
) -> None:
    """Turn a checkpoint of another project into a bundle.

    Network and sizes are read off the tensors, without running code from the file.

    Args:
        file: A .pth of deep-text-recognition-benchmark, EasyOCR, crnn.pytorch or ModelScope.
        output: Folder of the bundle.
        character: Symbols in the order of the classes: a string, a file, or the yaml of an EasyOCR model. \
Without it those of 0-9a-z, of --sensitive or of EasyOCR's English, where their number fits.
        arch: Network that it should be, such as TPS-ResNet-BiLSTM-Attn; another one is an error.
        height: Height in px that it was trained with.
        width: Width in px that it was trained with.
        pad: It was trained with --PAD: proportions kept, not stretched.
        max_length: Symbols that an attention decoder reads at most. [default: 25]
    """
    require_training_packages()
    from ocrtune.cli import note
    from ocrtune.convert.from_checkpoint import TrainedWith, convert_checkpoint

    trained = TrainedWith(height, width, pad, max_length)
    bundle = convert_checkpoint(
        file, output, character=character, arch=arch, trained=trained, overwrite=overwrite, note=note
    )
    manifest = bundle.manifest
    print(f"{output}: {manifest.architecture.name}, {len(manifest.symbols)} symbols, its ONNX file verified")


def quickstart(
    *,
    output: Annotated[Path, Parameter(alias="-o")] = Path("ocrtune-quickstart"),
    overwrite: Overwrite = False,
) -> None:
    """Run the whole chain on receipts made here: score, fine-tune, score again, export, read.

    Args:
        output: Folder for the lines, the run and the picture.
    """
    require_training_packages()
    from ocrtune.workflows.quickstart import quickstart as run_quickstart

    run_quickstart(output, overwrite=overwrite, report=print)


def missing_packages() -> list[str]:
    """What training needs and is not installed."""
    return [name for name in TRAINING_PACKAGES if importlib.util.find_spec(name) is None]


def require_training_packages() -> None:
    """Say how to install what training needs, before a stage fails to import it.

    Raises:
        InputError: a package is missing.
    """
    if missing := missing_packages():
        raise InputError(f"training needs {', '.join(missing)}: pip install 'ocrtune[train]'")
