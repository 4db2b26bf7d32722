"""A float ONNX graph in 8-bit integers: ranges from lines, a scale for each channel, layers on request.

What is good enough to be written is decided in `int8.py`.
"""

from __future__ import annotations

import copy
import logging
import math
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
from onnx import helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import create_calibrator
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
from onnxruntime.quantization.quant_utils import load_model_with_shape_infer
from onnxruntime.quantization.shape_inference import quant_pre_process

KINDS = ["Conv", "MatMul", "Gemm"]
"""Operators that integers make faster. LSTMs stay: the runtime knows them in 8 bits only with ranges that are
found anew at every run."""

Batch = npt.NDArray[np.float32]


class Quantiser:
    """One graph, its ranges measured once, to be written with any of its layers in 8 bits.

    Args:
        path: the float graph, with one input.
        batches: inputs whose values are what the network will meet; the ranges are their extremes.
        folder: for files in between.
    """

    def __init__(self, path: Path, batches: Sequence[Batch], folder: Path) -> None:
        prepared = folder / "prepared.onnx"
        with _quiet():
            # Norms are folded into the convolutions before them: integers then cover both.
            quant_pre_process(str(path), str(prepared), skip_symbolic_shape=True)
            self._model = load_model_with_shape_infer(prepared)
            calibrator = create_calibrator(
                prepared,
                KINDS,
                augmented_model_path=str(folder / "augmented.onnx"),
                calibrate_method=CalibrationMethod.MinMax,
                providers=["CPUExecutionProvider"],
            )
            calibrator.collect_data(_Batches(self._model.graph.input[0].name, batches))
            self._ranges = calibrator.compute_data()
        self.work = _multiplications(self._model, batches[0])
        """Multiplications of each layer that can be in 8 bits, on the first of the inputs."""

    def heavy(self, share: float) -> tuple[str, ...]:
        """The fewest layers that do `share` of all the work, in the order they run."""
        total, done = sum(self.work.values()), 0
        chosen = set()
        for layer in sorted(self.work, key=lambda layer: -self.work[layer]):
            if done >= share * total:
                break
            chosen.add(layer)
            done += self.work[layer]
        return tuple(layer for layer in self.work if layer in chosen)

    def quantise(self, layers: Collection[str]) -> onnx.ModelProto:
        """The graph with `layers` in 8 bits and all others in float."""
        quantiser = QDQQuantizer(
            copy.deepcopy(self._model),
            True,  # a scale for each channel
            False,  # the full range of 8 bits
            QuantType.QInt8,  # weights
            QuantType.QUInt8,  # activations
            self._ranges,
            list(layers),
            [],
            KINDS,
            {},
        )
        with _quiet():
            quantiser.quantize_model()
        return quantiser.model.model


def _multiplications(model: onnx.ModelProto, batch: Batch) -> dict[str, int]:
    """Name to multiplications of every layer with weights of its own, in the order they run.

    Products of two activations, as in attention, are left out: they are small and need their resolution.
    """
    sizes = {tensor.name: math.prod(tensor.dims) for tensor in model.graph.initializer}
    layers = [n for n in model.graph.node if n.op_type in KINDS and n.input[1] in sizes]
    shown = copy.deepcopy(model)
    for layer in layers:
        shown.graph.output.append(
            helper.make_tensor_value_info(layer.output[0], onnx.TensorProto.FLOAT, None)
        )
    session = ort.InferenceSession(shown.SerializeToString(), providers=["CPUExecutionProvider"])
    outputs = session.run([layer.output[0] for layer in layers], {model.graph.input[0].name: batch})
    return {
        # A convolution's weights are used once at each place of its output, a product's once for each row.
        layer.name: sizes[layer.input[1]]
        * math.prod(output.shape[2:] if layer.op_type == "Conv" else output.shape[:-1])
        for layer, output in zip(layers, outputs, strict=True)
    }


class _Batches(CalibrationDataReader):
    """Inputs one by one, as the calibration asks for them."""

    def __init__(self, name: str, batches: Sequence[Batch]) -> None:
        self._inputs = iter([{name: batch} for batch in batches])

    def get_next(self) -> dict[str, Batch] | None:
        return next(self._inputs, None)


@contextmanager
def _quiet() -> Iterator[None]:
    """Advice to developers that onnxruntime logs, such as to prepare a graph that was prepared."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
