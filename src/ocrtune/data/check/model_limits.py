"""What a model can take of a line: its symbols, its widths, its time steps. Known without the network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ocrtune.bundle import Architecture
from ocrtune.charset import Charset
from ocrtune.decoding import CTC, ClassLayout
from ocrtune.preprocess import PreprocessSpec
from ocrtune.reading.models import find_model
from ocrtune.reading.recognizer import OnnxRecognizer

FINEST_STRIDE = 4
"""px per time step; training goes down to it by itself where labels do not fit."""


@dataclass(frozen=True, slots=True)
class ModelLimits:
    """Limits of one model, or of what training can make of the base."""

    charset: Charset | None
    """None where training chooses the symbols."""
    spec: PreprocessSpec
    steps: Callable[[int], int] | None
    """Time steps of an input width in px; None for a network that is not ours."""
    layout: ClassLayout = CTC
    """Tells how many steps a text needs."""


def find_limits(model: str | None) -> ModelLimits:
    """The limits of MODEL; without one, those of a base that is about to be trained.

    Raises:
        InputError: there is no such model.
    """
    manifest = find_model(model).manifest
    if model is None:
        trained = Architecture(name=manifest.architecture.name, options={"time_stride": FINEST_STRIDE})
        return ModelLimits(None, manifest.preprocess, steps_of(trained))
    steps = steps_of(manifest.architecture, manifest.layout)
    return ModelLimits(manifest.charset, manifest.preprocess, steps, manifest.layout)


def find_reader(model: str | None) -> OnnxRecognizer | None:
    """MODEL, ready to read; None without one.

    Raises:
        InputError: there is no such model, or it has no ONNX file.
    """
    if model is None:
        return None
    found = find_model(model)
    return OnnxRecognizer(found.manifest, found.onnx_path)


def steps_of(architecture: Architecture, layout: ClassLayout = CTC) -> Callable[[int], int] | None:
    """The `steps` of a network in `ocrtune.models`, whose import takes torch; None for others."""
    name, options = architecture.name, architecture.options
    if name == "ppocrv6-small":
        stride = int(str(options.get("time_stride", 8)))
        return lambda width: -(-width // 4) // (stride // 4)
    if layout.kind == "attention":
        longest = int(str(options.get("max_length", 25)))
        return lambda width: longest + 1
    if name == "crnn-shi":
        overlap = options.get("overlap", True) is True
        return lambda width: width // 4 + overlap
    if name == "crnn" or "vgg" in name.split("-"):
        return lambda width: width // 4 - 1
    if {"rcnn", "resnet"} & set(name.split("-")):
        return lambda width: width // 4 + 1
    return None
