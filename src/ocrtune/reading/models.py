"""Finds what a user calls MODEL: a base by name, a run folder, a bundle folder or an ONNX file."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from ocrtune.bundle import (
    MANIFEST_FILE,
    MANIFEST_LIMIT,
    ONNX_METADATA_KEY,
    Architecture,
    Manifest,
    ModelBundle,
    file_digest,
)
from ocrtune.config import CHECKPOINT_SUFFIXES
from ocrtune.errors import InputError
from ocrtune.preprocess import PreprocessSpec
from ocrtune.reading.onnx_session import open_session

BASE = "ppocrv6-small"
"""Name of the base that is read and fine-tuned when no MODEL is given."""

_BASE_FILE = "PP-OCRv6_rec_small.onnx"
_BEST = "best"  # the bundle of a run folder that counts


@dataclass(frozen=True, slots=True)
class FoundModel:
    """A model that may be read with or trained from."""

    manifest: Manifest
    onnx_path: Path
    """Its ONNX file. A bundle written without one has none there yet."""
    bundle: ModelBundle | None = None
    """The bundle folder, verified; None for a base and for a single ONNX file."""


def find_model(model: str | Path | None = None) -> FoundModel:
    """Find MODEL and check that it is whole.

    A base's name wins over a path of the same name; write `./NAME` for the path.

    Args:
        model: a base's name, a run folder (its `best` is meant), a bundle folder or an ONNX file
            that carries our manifest; None is the base.

    Raises:
        InputError: there is no such model, or it is damaged, or it is not one of ours.
    """
    if model is None or model == BASE:
        return _find_base()
    path = Path(model)
    if path.is_file():
        if path.suffix.lower() in CHECKPOINT_SUFFIXES:
            raise InputError(
                f"{path} is a checkpoint, not a model of ocrtune; make one: ocrtune convert {path} -o BUNDLE"
            )
        return FoundModel(_embedded_manifest(path), path)
    if not path.is_dir():
        raise InputError(
            f"there is no model {str(model)!r}: give {BASE!r}, a run folder, a bundle or an ONNX file"
        )
    folder = path if (path / MANIFEST_FILE).exists() or not (path / _BEST).is_dir() else path / _BEST
    bundle = ModelBundle.open(folder)
    bundle.verify()
    return FoundModel(bundle.manifest, bundle.onnx_path, bundle)


def list_bases() -> tuple[FoundModel, ...]:
    """The models that come with the installation."""
    return (_find_base(),)


def packaged_file(name: str) -> Path:
    """The network `name` inside the installed `rapidocr` wheel.

    Raises:
        InputError: it is not there.
    """
    spec = importlib.util.find_spec("rapidocr")  # found, not imported: that takes a second
    folders = [] if spec is None else spec.submodule_search_locations or []
    path = next((file for f in folders if (file := Path(f) / "models" / name).is_file()), None)
    if path is None:
        raise InputError(f"there is no {name} in rapidocr; pip install 'rapidocr>=3.10,<4'")
    return path


def _find_base() -> FoundModel:
    """PP-OCRv6 small, from inside the installed `rapidocr` wheel, described in our terms."""
    path = packaged_file(_BASE_FILE)
    session = open_session(path, optimise=False)
    characters = session.get_modelmeta().custom_metadata_map.get("character", "")
    symbols = (*characters.split("\n"), " ")  # the space is the last class and not in the list
    classes = session.get_outputs()[0].shape[-1]
    if classes != len(symbols) + 1:
        raise InputError(
            f"{path} has {classes} classes for {len(symbols)} symbols and a blank: this rapidocr changed its "
            "weights; pip install 'rapidocr==3.10.*'"
        )
    manifest = Manifest(
        name=BASE,
        architecture=Architecture(name=BASE, options={"time_stride": 8}),
        symbols=symbols,
        preprocess=PreprocessSpec(),
        licence="Apache-2.0",
        origin="PP-OCRv6 small recogniser by the PaddleOCR authors, as the rapidocr package ships it",
        files={path.name: file_digest(path)},
    )
    return FoundModel(manifest, path)


def _embedded_manifest(path: Path) -> Manifest:
    """The manifest inside an ONNX file that our export wrote."""
    metadata = open_session(path, optimise=False).get_modelmeta().custom_metadata_map
    content = metadata.get(ONNX_METADATA_KEY)
    if content is None:
        raise InputError(
            f"{path} is an ONNX file without ocrtune's description of its symbols; give a file that "
            "`ocrtune export` wrote"
        )
    if len(content) > MANIFEST_LIMIT:
        raise InputError(f"{path}: its manifest is over {MANIFEST_LIMIT >> 20} MiB; export the model again")
    return Manifest.from_json(content, str(path))
