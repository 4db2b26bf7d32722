"""Weights of a PP-OCR recogniser's ONNX file for the PyTorch twin, mapped by graph order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError
from onnx import numpy_helper
from torch import Tensor, nn

from ocrtune.errors import InputError
from ocrtune.models.ppocrv6 import PPOCRv6Small

Constants = dict[str, np.ndarray]


class _Graph:
    """Initialisers by name (through Identity aliases) and nodes in graph order."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.nodes = list(graph.node)
        self.constants: Constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
        self.alias: dict[str, str] = {}
        for node in self.nodes:
            if node.op_type == "Identity":
                self.alias[node.output[0]] = self.resolve(node.input[0])
            elif node.op_type == "Reshape" and self.resolve(node.input[0]) in self.constants:
                self.constants[node.output[0]] = self.constants[self.resolve(node.input[0])]
            elif node.op_type == "Constant":
                self.constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)

    def resolve(self, name: str) -> str:
        return self.alias.get(name, name)

    def constant(self, name: str) -> np.ndarray | None:
        return self.constants.get(self.resolve(name))

    def following_constant(self, output: str) -> np.ndarray:
        """The constant operand of the node that first uses `output`: a bias kept as its own Add."""
        for node in self.nodes:
            if node.op_type == "Add" and output in [self.resolve(i) for i in node.input]:
                for name in node.input:
                    value = self.constant(name)
                    if value is not None:
                        return value.reshape(-1)
        raise InputError(f"no bias follows {output!r}: the graph is not PP-OCRv6 small")

    def convolutions(self) -> Iterator[tuple[np.ndarray, str]]:
        for node in self.nodes:
            if node.op_type == "Conv":
                yield self.constants[self.resolve(node.input[1])], node.output[0]

    def linears(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for node in self.nodes:
            if node.op_type == "MatMul":
                weight = self.constant(node.input[1])
                if weight is not None:
                    yield weight.T, self.following_constant(node.output[0])

    def batch_norms(self) -> Iterator[list[np.ndarray]]:
        for node in self.nodes:
            if node.op_type == "BatchNormalization":
                yield [self.constants[self.resolve(name)] for name in node.input[1:5]]

    def layer_norms(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Scale and shift of each layer norm: a Mul after the division by the deviation, an Add."""
        divisions = {n.output[0] for n in self.nodes if n.op_type == "Div"}
        for node in self.nodes:
            if node.op_type == "Mul" and node.input[0] in divisions:
                scale = self.constant(node.input[1])
                if scale is not None and scale.size > 1:
                    yield scale.reshape(-1), self.following_constant(node.output[0])


def load_ppocrv6_small(path: Path) -> PPOCRv6Small:
    """Build the twin of the PP-OCRv6 small recogniser in the ONNX file `path`, in eval mode.

    Raises:
        InputError: the graph is not that network.
    """
    try:
        # Tensors kept in files beside the graph are not followed: a stranger could name any file.
        graph = _Graph(onnx.load(path, load_external_data=False).graph)
        linears = list(graph.linears())
        if not linears:
            raise InputError("it has no linear layer")
        model = PPOCRv6Small(num_classes=linears[-1][0].shape[0])
        model.load_state_dict(_match(model, graph, linears))
    except OSError as error:
        raise InputError(f"cannot read the model {path}: {error.strerror}") from error
    except (InputError, RuntimeError, ValueError, KeyError, DecodeError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise InputError(f"{path} is not a PP-OCRv6 small recogniser: {reason}") from error
    return model.eval()


def _match(
    model: PPOCRv6Small, graph: _Graph, linears: list[tuple[np.ndarray, np.ndarray]]
) -> dict[str, Tensor]:
    """State dict of `model` from the graph's constants: the k-th of each kind to the k-th module."""
    state: dict[str, Tensor] = {}

    def put(name: str, array: np.ndarray) -> None:
        state[name] = torch.from_numpy(np.array(array, np.float32))

    named = [(n, m) for n, m in model.named_modules()]
    convolutions = [(n, m) for n, m in named if isinstance(m, nn.Conv2d)]
    for (name, module), (weight, output) in zip(convolutions, graph.convolutions(), strict=True):
        put(f"{name}.weight", weight)
        if module.bias is not None:
            put(f"{name}.bias", graph.following_constant(output))
    for (name, _), values in zip(
        [(n, m) for n, m in named if isinstance(m, nn.BatchNorm2d)], graph.batch_norms(), strict=True
    ):
        for key, value in zip(("weight", "bias", "running_mean", "running_var"), values, strict=True):
            put(f"{name}.{key}", value)
        state[f"{name}.num_batches_tracked"] = torch.zeros((), dtype=torch.long)
    for kind, pairs in ((nn.Linear, linears), (nn.LayerNorm, list(graph.layer_norms()))):
        names = [n for n, m in named if isinstance(m, kind)]
        for name, (weight, bias) in zip(names, pairs, strict=True):
            put(f"{name}.weight", weight)
            put(f"{name}.bias", bias)
    return state
