"""Reading the checkpoint of another project: tensors by name, under limits, and no code run."""

from __future__ import annotations

import pickle
import re
import warnings
import zipfile
from pathlib import Path

import torch
from torch import Tensor

from ocrtune.errors import InputError

CHECKPOINT_LIMIT = 1024 * 2**20
"""Bytes; the largest checkpoints of this field take 200 MiB."""

WRAPPERS = ("state_dict", "model", "model_state_dict", "net", "network")
"""Keys under which trainers put the weights beside their optimiser."""

_GLOBAL = re.compile(r"GLOBAL ([\w.]+)")
"""How torch names what a pickle would call."""


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """The tensors of a `.pth` file on the CPU, floats as float32, without the `module.` of DataParallel.

    Raises:
        InputError: missing, over `CHECKPOINT_LIMIT`, truncated, holding code or anything else than tensors
            by name.
    """
    _check_size(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a pickle that is read all the same, or refused below
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise _refused(path, str(error)) from error
    # What torch meets in a file that is cut off or something else depends on where it is cut.
    except (OSError, EOFError, RuntimeError, LookupError, ValueError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(
            f"{path} is no checkpoint that PyTorch can read, or is cut off: {reason}; copy the file again"
        ) from error
    return _named_tensors(path, content)


def _check_size(path: Path) -> None:
    """Refuse what would not fit, before anything is unpacked."""
    try:
        size = path.stat().st_size
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                size = max(size, sum(entry.file_size for entry in archive.infolist()))
    except OSError as error:
        raise InputError(f"cannot read the checkpoint {path}: {error.strerror}") from error
    except zipfile.BadZipFile as error:
        raise InputError(f"{path} is cut off or damaged: {error}; copy the file again") from error
    if size > CHECKPOINT_LIMIT:
        raise InputError(
            f"{path} has {size >> 20} MiB; checkpoints over {CHECKPOINT_LIMIT >> 20} MiB are not opened"
        )


def _refused(path: Path, reason: str) -> InputError:
    """Torch's own words advise to load the file even if it runs code."""
    found = _GLOBAL.search(reason)
    if found is None:
        return InputError(f"{path} is no checkpoint of PyTorch, or is cut off; copy the file again")
    return InputError(
        f"{path} holds more than tensors: opening it would run code ({found[1]}), which is not done; from a "
        "model you trust, save the weights alone: torch.save(model.state_dict(), FILE)"
    )


def _named_tensors(path: Path, content: object) -> dict[str, Tensor]:
    for wrapper in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    if not isinstance(content, dict):
        raise InputError(f"{path} holds a {type(content).__name__}, not weights by name; give a state dict")
    tensors: dict[str, Tensor] = {}
    taken = 0
    for key, value in content.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            continue
        # A view can claim more elements than the file has bytes.
        taken += value.numel() * value.element_size()
        if taken > CHECKPOINT_LIMIT or value.layout != torch.strided or value.is_quantized:
            raise InputError(f"{path}: {key} is not a plain tensor of the file's size; give a state dict")
        value = value.detach()
        tensors[key.removeprefix("module.")] = value.float() if value.is_floating_point() else value
    if not tensors:
        raise InputError(f"{path} holds no tensors by name; give a state dict")
    return tensors
