"""The commands that need torch; `cli.py` registers them by name and says what they are for."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from ocrtune.cli import Overwrite, note
from ocrtune.config import RetrainConfig, TrainConfig
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
    from ocrtune.workflows.rounds import ROUNDS_FILE, train_in_rounds

    if config.unlabelled is not None or (resume and (config.output / ROUNDS_FILE).is_file()):
        ended = train_in_rounds(config, resume=resume, note=print).stopped
        return 0 if ended is None else 128 + ended
    stopped = run_training(config, resume=resume).stopped
    return 0 if stopped is None else 128 + stopped  # what a shell reports of a process that a signal ended


def export(
    model: str,
    *,
    to: Literal["onnx", "int8", "fp16", "easyocr", "rapidocr"],
    output: Annotated[Path, Parameter(alias="-o")],
    data: tuple[str, ...] = (),
    force: bool = False,
    overwrite: Overwrite = False,
) -> None:
    """Write a model in the form of another runtime, checked against the original.

    Args:
        model: A base's name, a run folder or a bundle.
        to: The form to write. onnx: one file that serves alone. int8: the same in 8-bit integers, if that is
            faster here and reads as well. fp16: the same in half the bytes. rapidocr: one file for RapidOCR.
            easyocr: a folder with the three files of a custom network of EasyOCR.
        output: The file to write, for easyocr the folder.
        data: Labelled lines to check it on, and for int8 to calibrate on; without any, lines drawn for the
            purpose.
        force: Write int8 even if it is slower or loses too much.
    """
    require_training_packages()
    if force and to != "int8":
        raise InputError(f"--force means something with --to int8 only, not with --to {to}; leave it out")
    if to == "onnx":
        _export_onnx(model, output, data, overwrite)
    elif to == "fp16":
        _export_half(model, output, data, overwrite)
    elif to == "int8":
        _export_int8(model, output, data, force, overwrite)
    elif to == "rapidocr":
        _export_rapidocr(model, output, data, overwrite)
    else:
        _export_easyocr(model, output, data, overwrite)


def _export_onnx(model: str, output: Path, data: tuple[str, ...], overwrite: bool) -> None:
    from ocrtune.convert.export import export_onnx_model

    result = export_onnx_model(model, output, overwrite, data)
    print(f"{output}: {_same_texts(result.lines_checked, result.texts_differ, result.max_difference)}")
    print(f"torch: {result.ms_torch:.1f} ms per line")
    print(f"ONNX Runtime: {result.ms_onnx:.1f} ms per line")


def _export_half(model: str, output: Path, data: tuple[str, ...], overwrite: bool) -> None:
    from ocrtune.convert.half import export_half

    result = export_half(model, output, data=data, overwrite=overwrite)
    print(f"{output}: {_same_texts(result.lines_checked, result.texts_differ, result.max_difference)}")
    print(f"{_mib(result.size)} instead of {_mib(result.float32_size)}; as fast as before")


def _export_int8(model: str, output: Path, data: tuple[str, ...], force: bool, overwrite: bool) -> None:
    from ocrtune.convert.int8 import export_int8

    result = export_int8(model, output, data=data, force=force, overwrite=overwrite, report=note)
    print(f"{output}: {result}")
    print(f"{result.agreement}; calibrated on {result.calibrated} other lines")
    print(
        f"{_mib(result.size)} instead of {_mib(result.float_size)}; 8 bits in {len(result.layers)} layers,",
        end=" ",
    )
    print(f"float in {len(result.kept)} lighter or more sensitive ones")


def _export_rapidocr(model: str, output: Path, data: tuple[str, ...], overwrite: bool) -> None:
    from ocrtune.convert.rapidocr_export import export_rapidocr

    result = export_rapidocr(model, output, data=data, overwrite=overwrite)
    print(f"{output}: RapidOCR reads all {result.lines_checked} lines as the file does in ocrtune,", end=" ")
    print(f"largest difference of a probability from torch {result.max_difference:.1e}")
    print(f"with RapidOCR's own way to prepare lines instead of the model's: {result.agreement}")
    print(f"RapidOCR(params={result.parameters})")


def _export_easyocr(model: str, output: Path, data: tuple[str, ...], overwrite: bool) -> None:
    from ocrtune.convert.easyocr_export import export_easyocr

    result = export_easyocr(model, output, data=data, overwrite=overwrite)
    files = ", ".join(f"{result.name}.{ending}" for ending in ("py", "yaml", "pth"))
    print(f"{output}: {files}; the network in them reads all {result.lines_checked} lines the same,", end=" ")
    print(f"largest difference of a probability {result.max_difference:.1e}")
    print(f"with EasyOCR's own way to prepare lines instead of the model's: {result.agreement}")
    print(result.call)


def _same_texts(lines: int, differ: int, difference: float) -> str:
    same = f"all {lines} lines read the same"
    if differ:
        same = f"{lines - differ} of {lines} lines read the same, the others at ties"
    return f"{same}, largest difference of a probability {difference:.1e}"


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"


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


def retrain(*, config: Annotated[RetrainConfig, Parameter(name="*")]) -> None:
    """Train on corrections, compare with the model before on lines kept back, and activate what is better.

    Exit code 1: too few corrections, or the new model is not better.
    """
    require_training_packages()
    from ocrtune.workflows.retrain import retrain as run_retraining

    run_retraining(config, report=print)


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
