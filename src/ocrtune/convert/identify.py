"""Which network the tensors of a checkpoint belong to, with its sizes, read off their names and shapes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ocrtune.bundle import Option
from ocrtune.convert.key_maps import State, from_benchmark, from_crnn_pytorch, from_modelscope
from ocrtune.errors import InputError
from ocrtune.models.four_stage import FeatureName, Stages

Project = Literal["deep-text-recognition-benchmark", "EasyOCR", "crnn.pytorch", "ModelScope"]

_PROJECTS: tuple[tuple[str, Project, Callable[[State], dict[str, Tensor]]], ...] = (
    # EasyOCR's names are the benchmark's.
    ("FeatureExtraction.ConvNet.", "deep-text-recognition-benchmark", from_benchmark),
    ("cnn.conv0.", "crnn.pytorch", from_crnn_pytorch),
    ("conv0.0.", "ModelScope", from_modelscope),
)
"""How a name in a checkpoint begins, whose it is, and its key map."""

_LAST_CONVOLUTION: dict[FeatureName, str] = {
    "resnet": "features.joins.3.3.weight",
    "rcnn": "features.9.weight",
    "vgg": "features.18.weight",
}
_FIRST_CONVOLUTION = ("features.stem.0.weight", "features.0.weight")


@dataclass(frozen=True, slots=True)
class Identified:
    """A checkpoint, understood."""

    project: Project
    name: str
    """Of the network in `ocrtune.models`."""
    title: str
    """Of the network in its project's words."""
    options: dict[str, Option]
    num_classes: int
    image_channels: int
    state: dict[str, Tensor]
    """Its tensors under the names of the network."""
    attention: bool = False

    def __str__(self) -> str:
        hidden = f"hidden {self.options['hidden']}, " if "hidden" in self.options else ""
        return f"{self.title}, {hidden}{self.num_classes} classes"


def identify(state: State, where: str) -> Identified:
    """The network of a checkpoint's tensors.

    Args:
        state: names and tensors as in the file, without `module.`.
        where: names the file in errors.

    Raises:
        InputError: it is none of ours.
    """
    for prefix, project, convert in _PROJECTS:
        if any(key.startswith(prefix) for key in state):
            converted = convert(state)
            try:
                if convert is from_benchmark:
                    return _family_member(state, converted)
                return _original_crnn(converted, project)
            except (KeyError, IndexError) as error:
                raise InputError(
                    f"{where}: it has names of {project} but not {error}: it is cut, or of another version"
                ) from error
    shown = ", ".join(list(state)[:3])
    raise InputError(
        f"{where} is of no known network: its tensors are called {shown}, …; known are the recognisers of "
        f"{', '.join(project for _, project, _ in _PROJECTS)}"
    )


def _family_member(state: State, converted: dict[str, Tensor]) -> Identified:
    features = next((name for name, key in _LAST_CONVOLUTION.items() if key in converted), None)
    if features is None:
        raise KeyError("FeatureExtraction.ConvNet's last convolution")
    stages = Stages(
        straightened=any(key.startswith("rectifier.") for key in converted),
        features=features,
        context=any(key.startswith("sequence.") for key in converted),
        attention=any(key.startswith("decoder.") for key in converted),
    )
    first = next(converted[key] for key in _FIRST_CONVOLUTION if key in converted)
    options: dict[str, Option] = {"channels": converted[_LAST_CONVOLUTION[features]].shape[0]}
    if stages.context:
        options["hidden"] = converted["sequence.0.rnn.weight_hh_l0"].shape[1]
    if stages.attention:
        options["hidden"] = converted["decoder.query.weight"].shape[0]
    if stages.straightened:
        height, width = _straightened_size(state["Transformation.GridGenerator.P_hat"])
        options |= {
            "height": height,
            "width": width,
            "points": converted["rectifier.points.bias"].shape[0] // 2,
        }
    if first.shape[1] != 1:
        options["image_channels"] = first.shape[1]
    return Identified(
        project="deep-text-recognition-benchmark",
        name=stages.name,
        title=stages.title,
        options=options,
        num_classes=converted["head.weight"].shape[0],
        image_channels=first.shape[1],
        state=converted,
        attention=stages.attention,
    )


def _straightened_size(pixels: Tensor) -> tuple[int, int]:
    """(H, W) of the grid whose rows are a 1, x, y and distances; row by row, so x begins anew after W."""
    rows = pixels[:, 2]
    width = int((rows == rows[0]).sum())
    return len(pixels) // width, width


def _original_crnn(converted: dict[str, Tensor], project: Project) -> Identified:
    last = converted["features.conv6.weight"]
    return Identified(
        project=project,
        name="crnn-shi",
        title="CRNN (Shi et al.)",
        options={
            "channels": last.shape[0],
            "hidden": converted["sequence.rnn.weight_hh_l0"].shape[1],
            "overlap": last.shape[3] == 2,
        },
        num_classes=converted["head.weight"].shape[0],
        image_channels=converted["features.conv0.weight"].shape[1],
        state=converted,
    )


def shortfall(state: dict[str, Tensor], wanted: dict[str, Tensor]) -> tuple[float, list[str], list[str]]:
    """How much of a network's body a state covers, and what it does not.

    Args:
        state: tensors by the network's names.
        wanted: the network's own.

    Returns:
        The share of the body's weights that the state has; names of the network that it lacks or has in
        another shape; names that the network does not have.
    """
    body = {
        name: tensor
        for name, tensor in wanted.items()
        if not name.startswith(("head.", "fed.")) and tensor.is_floating_point()
    }
    lacking = [name for name in wanted if name not in state or state[name].shape != wanted[name].shape]
    unknown = [name for name in state if name not in wanted]
    covered = sum(tensor.numel() for name, tensor in body.items() if name not in lacking)
    return covered / max(1, sum(map(torch.numel, body.values()))), lacking, unknown
