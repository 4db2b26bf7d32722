"""The model bundle: a directory that describes itself completely, read and written whole.

`model.json` (the manifest), `weights.safetensors` and `model.onnx`. The ONNX file carries the
manifest too, so that this one file is enough to serve. Creating ONNX graphs is `convert/`'s work.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from ocrtune.charset import Charset, NormalForm
from ocrtune.decoding import ClassLayout, LayoutKind
from ocrtune.errors import InputError
from ocrtune.preprocess import PreprocessSpec

MANIFEST_FILE = "model.json"
WEIGHTS_FILE = "weights.safetensors"
ONNX_FILE = "model.onnx"
ONNX_METADATA_KEY = "ocrtune"
"""Key of the manifest in the ONNX file's metadata."""

MANIFEST_LIMIT = 16 * 2**20
"""Bytes; the 18,709 symbols of the largest known charset take 0.2 MiB."""

Weights = Mapping[str, npt.NDArray[Any]]


Option = int | float | str | bool | tuple[int, ...]
"""A size or choice that a network is built with."""


class Architecture(BaseModel):
    """Which network, and the sizes that rebuild it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """Name in `ocrtune.models`."""
    options: dict[str, Option] = Field(default_factory=dict)
    """Keyword arguments of the network besides the number of classes."""


class Manifest(BaseModel):
    """Everything but the numbers: what a model reads, how it was made, what it scored."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: Literal[1] = 1
    name: str
    architecture: Architecture
    symbols: tuple[str, ...]
    normal_form: NormalForm = "NFC"
    classes: LayoutKind = "ctc"
    preprocess: PreprocessSpec
    licence: str
    origin: str
    """Where the weights come from, in a sentence."""
    parent: str | None = None
    """Digest of the bundle this one was fine-tuned from."""
    data: dict[str, str] = Field(default_factory=dict)
    """Dataset path as given, to the SHA-256 of its lines' ids and texts."""
    training: dict[str, Any] = Field(default_factory=dict)
    """The resolved configuration of the training run."""
    metrics: dict[str, dict[str, float]] = Field(default_factory=dict)
    """Set name to metric name to value, as measured when the bundle was written."""
    files: dict[str, str] = Field(default_factory=dict)
    """File name to SHA-256 of its content."""

    @property
    def charset(self) -> Charset:
        """The charset of the model's classes."""
        return Charset(self.symbols, self.normal_form)

    @property
    def layout(self) -> ClassLayout:
        """Where the special classes and the symbols are."""
        return ClassLayout(self.classes)

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest: names this model exactly, weights included by their hash."""
        content = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(content.encode()).hexdigest()

    @classmethod
    def from_json(cls, content: str | bytes, where: str) -> Manifest:
        """Parse and validate; `where` names the file in errors."""
        try:
            manifest = cls.model_validate_json(content)
            _ = manifest.charset
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or "the document"
            raise InputError(
                f"{where} is not a valid model manifest: {place}: {first['msg']}; restore it or train again"
            ) from error
        except InputError as error:
            raise InputError(
                f"{where} is not a valid model manifest: {error}; restore it or train again"
            ) from error
        return manifest


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class ModelBundle:
    """A bundle on disk. Opening it checks the manifest; `verify` checks the files too."""

    path: Path
    manifest: Manifest

    @classmethod
    def open(cls, path: Path) -> ModelBundle:
        """Read and check the manifest of the bundle directory `path`.

        Raises:
            InputError: no manifest, too large, or not valid.
        """
        manifest_path = path / MANIFEST_FILE
        try:
            if manifest_path.stat().st_size > MANIFEST_LIMIT:
                raise InputError(f"{manifest_path} is over {MANIFEST_LIMIT >> 20} MiB: not a manifest")
            content = manifest_path.read_bytes()
        except OSError as error:
            raise InputError(
                f"{path} is not a model bundle: no readable {MANIFEST_FILE} in it; "
                "give a run folder, a bundle or an ONNX file"
            ) from error
        return cls(path, Manifest.from_json(content, str(manifest_path)))

    @property
    def onnx_path(self) -> Path:
        """The ONNX file of this bundle."""
        return self.path / ONNX_FILE

    def verify(self) -> None:
        """Check that every file named in the manifest is there, unaltered.

        Raises:
            InputError: naming the first file that is missing or changed.
        """
        for name, digest in self.manifest.files.items():
            file = self.path / name
            if Path(name).name != name or not file.is_file():
                raise InputError(f"{self.path} is incomplete: {name} is missing; restore or train again")
            if file_digest(file) != digest:
                raise InputError(
                    f"{file} is damaged: its content is not what {MANIFEST_FILE} recorded; "
                    "restore it or train again"
                )

    def load_weights(self) -> dict[str, npt.NDArray[Any]]:
        """The weights by name. Loading executes no code (safetensors)."""
        try:
            return load_file(self.path / WEIGHTS_FILE)
        # numpy has no bfloat16 and no 8-bit floats: safetensors stumbles over its own names for them.
        except (OSError, SafetensorError, TypeError, AttributeError) as error:
            raise InputError(f"cannot read {self.path / WEIGHTS_FILE}: {error}") from error


def write_bundle(path: Path, manifest: Manifest, weights: Weights, onnx_file: Path | None) -> ModelBundle:
    """Write a complete bundle to `path`, replacing one that is there; never leave half of one.

    Args:
        path: the bundle directory to create or replace.
        manifest: its `files` are filled in here.
        weights: arrays by parameter name.
        onnx_file: a verified export to move in, or None for a bundle without.

    Raises:
        InputError: the disk refuses (full, read-only); `path` is then as it was before.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    except OSError as error:
        raise InputError(f"cannot write the bundle {path}: {error}; choose another folder") from error
    try:
        contiguous = {name: np.asarray(array, order="C") for name, array in weights.items()}
        save_file(contiguous, staging / WEIGHTS_FILE, metadata={"format": "ocrtune"})
        if onnx_file is not None:
            shutil.move(onnx_file, staging / ONNX_FILE)
        files = {file.name: file_digest(file) for file in sorted(staging.iterdir())}
        manifest = manifest.model_copy(update={"files": files})
        (staging / MANIFEST_FILE).write_text(manifest.model_dump_json(indent=1), encoding="utf-8")
        replace_directory(staging, path)
    except (OSError, SafetensorError) as error:
        raise InputError(f"cannot write the bundle {path}: {error}; free space and run again") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return ModelBundle(path, manifest)


def replace_directory(staging: Path, path: Path) -> None:
    """Put the finished directory `staging` at `path`; an older one there goes away last.

    A directory cannot be replaced in one step, so for an instant the old one stands beside
    under a dotted name; a crash there leaves a complete bundle under one of the two names. What lies in
    folders inside is left to the system to bring to the disk: copies of images can be many.
    """
    for file in filter(Path.is_file, staging.iterdir()):
        with file.open("r+b") as handle:  # Windows syncs only what is open for writing
            os.fsync(handle.fileno())
    staging.chmod(0o755)  # mkdtemp made it private
    old = replaced_directory(path)
    if path.exists():  # else `old` may be all that a crash left: it stays until the new one stands
        shutil.rmtree(old, ignore_errors=True)
        path.rename(old)
    try:
        staging.rename(path)
    except OSError:
        if old.exists():
            old.rename(path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def replaced_directory(path: Path) -> Path:
    """Where `replace_directory` puts what stood at `path` until its successor stands there."""
    return path.with_name(f".{path.name}-old")
