"""From a PyTorch network to one ONNX file that describes itself, and the proof that both read alike."""

from __future__ import annotations

import copy
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import torch
from torch import Tensor, nn

from ocrtune.bundle import ONNX_METADATA_KEY, Manifest
from ocrtune.decoding import decode_best
from ocrtune.errors import BarError, InputError
from ocrtune.output import write_bytes
from ocrtune.preprocess import PreprocessSpec
from ocrtune.reading.onnx_session import open_session
from ocrtune.records import Image

OPSET = 17
INPUT = "images"
OUTPUT = "probabilities"
TOLERANCE = 1e-4
"""Largest difference of a probability between torch and ONNX Runtime, where float32 can keep it."""

ROUNDING_RUNS = 8  # enough for a steady maximum, and as rare as it is, cheap
ROUNDING_ALLOWANCE = 4.0
"""Times the rounding error seen in torch; on 700 lines of receipts the most was 2.0 times."""

TRACE_SHAPE = (2, 160)
"""Lines and px width of the traced input; both stay free in the graph."""
GRID = ((1, 48), (1, 320), (2, 161), (3, 64), (7, 96))
"""(lines, px width) replayed besides real lines; none is the traced one, and one width is odd."""

Probabilities = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Parity:
    """What the replay of an export found; a worse one raises."""

    lines: int
    max_difference: float
    """Largest difference of any probability."""
    texts_differ: int
    """Lines whose text differs, each at a tie: two symbols as likely to within what is allowed."""


class _Probabilities(nn.Module):
    """A network with the softmax inside: what every ONNX file of ocrtune gives."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.fixed_width: int | None = network.fixed_width

    def forward(self, images: Tensor) -> Tensor:
        return self.network(images).softmax(2)  # (N, T, C)


def _float32_copy(model: nn.Module) -> _Probabilities:
    """A copy that gives probabilities, float32, contiguous, on the CPU, in eval mode."""
    copied = copy.deepcopy(model).to("cpu", torch.float32)
    return _Probabilities(copied.to(memory_format=torch.contiguous_format)).eval()


def export_onnx(model: nn.Module, manifest: Manifest, path: Path) -> None:
    """Write `model` as the ONNX file `path`: images (N, channels, H, W) to probabilities (N, T, C).

    N is free, and W where the network reads any. The manifest goes into the metadata, without the hashes
    of a bundle's files. Not verified yet: `verify_onnx` does that.

    Raises:
        InputError: the file cannot be written.
        BarError: neither of torch's exporters can express the network.
    """
    network = _float32_copy(model)
    spec = manifest.preprocess
    lines, width = TRACE_SHAPE
    images = torch.zeros(lines, spec.num_channels, spec.height, network.fixed_width or width)
    try:
        graph = _export_traced(network, images)
    except (torch.onnx.OnnxExporterError, TypeError):
        # The tracing exporter is deprecated: it lacks newer operators, and a torch that has dropped
        # it will no longer know its arguments.
        graph = _export_dynamo(network, images, manifest.architecture.name)
    entry = graph.metadata_props.add()
    entry.key = ONNX_METADATA_KEY
    entry.value = manifest.model_copy(update={"files": {}}).model_dump_json()
    write_bytes(path, graph.SerializeToString(), overwrite=True)


def _export_traced(network: _Probabilities, images: Tensor) -> onnx.ModelProto:
    """By torch's older exporter: a tenth of a second, where the newer takes many."""
    buffer = io.BytesIO()
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        # Of sizes that become constants in the graph: the replay at other sizes would show one.
        warnings.filterwarnings("ignore", category=torch.jit.TracerWarning)
        warnings.filterwarnings("ignore", message="Constant folding - Only steps=1")
        # Of an LSTM with states given as inputs; ours start from zeros made in the graph.
        warnings.filterwarnings("ignore", message="Exporting a model to ONNX with a batch_size other")
        torch.onnx.export(
            network,
            (images,),
            buffer,
            dynamo=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes={
                INPUT: {0: "lines"} | ({} if network.fixed_width else {3: "width"}),
                OUTPUT: {0: "lines", 1: "steps"},
            },
        )
    return onnx.load_from_string(buffer.getvalue())


def _export_dynamo(network: _Probabilities, images: Tensor, name: str) -> onnx.ModelProto:
    """By torch's newer exporter."""
    try:
        program = torch.onnx.export(
            network,
            (images,),
            dynamo=True,
            external_data=False,
            verbose=False,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes=(
                dict.fromkeys((0,) if network.fixed_width else (0, 3), torch.export.Dim.DYNAMIC),
            ),
        )
    except torch.onnx.OnnxExporterError as error:
        reason = str(error).strip().splitlines()[0]
        raise BarError(f"torch {torch.__version__} cannot export {name} to ONNX: {reason}") from error
    return program.model_proto


def verify_onnx(model: nn.Module, manifest: Manifest, path: Path, images: Sequence[Image]) -> Parity:
    """Replay `images` and noise of several sizes through torch and the ONNX file, and compare.

    Every probability must agree within `TOLERANCE`, or as closely as float32 can: a text can then
    differ only at a tie, where two symbols are as likely to within twice that.

    Raises:
        BarError: naming the first difference; `path` is deleted then.
    """
    network = _float32_copy(model)
    try:
        session = open_session(path)
        largest = max(
            _compare_noise(network, session, manifest.preprocess, lines, network.fixed_width or width)
            for lines, width in GRID
        )
        texts_differ = 0
        for number, image in enumerate(images, start=1):
            difference, same_text = _compare_line(network, session, manifest, image, number)
            largest = max(largest, difference)
            texts_differ += not same_text
    except (InputError, BarError) as error:
        path.unlink(missing_ok=True)
        raise BarError(f"the ONNX export of {manifest.name} was deleted: {error}") from error
    return Parity(len(images), largest, texts_differ)


def _run_both(
    network: nn.Module, session: ort.InferenceSession, batch: Probabilities, what: str
) -> tuple[Probabilities, Probabilities]:
    """Probabilities (N, T, C) by torch and by ONNX Runtime for `batch`.

    Raises:
        BarError: the file fails on it, gives another shape, or differs by more than `TOLERANCE` and
            by more than float32 itself explains.
    """
    with torch.inference_mode():
        expected = network(torch.from_numpy(batch)).numpy()
    try:
        found = session.run([OUTPUT], {INPUT: batch})[0]
    except Exception as error:  # onnxruntime's errors share no base of their own
        raise BarError(f"ONNX Runtime fails on {what}: {str(error).splitlines()[0][:200]}") from error
    if found.shape != expected.shape:
        raise BarError(f"on {what} it gives {found.shape}, torch {expected.shape}")
    difference = np.abs(found - expected)
    # So written, NaN fails too.
    if not (difference.max() <= TOLERANCE or difference.max() <= _rounding(network, batch)):
        line, step, class_index = np.unravel_index(difference.argmax(), difference.shape)
        raise BarError(
            f"on {what} it gives class {class_index} {found[line, step, class_index]:.6f} at step {step}, "
            f"torch {expected[line, step, class_index]:.6f}"
        )
    return expected, found


def _rounding(network: nn.Module, batch: Probabilities) -> float:
    """The difference that float32 explains on `batch`.

    At a step where a network is undecided, it can turn the rounding of its input's last bit into
    4e-4 of a probability, in torch as in ONNX Runtime; the float64 result tells that from a wrong
    graph. One run may hit it by luck, so the largest error of several counts, each with the input
    moved by less than a rounding step.
    """
    exact_network = copy.deepcopy(network).double()
    rng = np.random.default_rng(0)
    largest = 0.0
    with torch.inference_mode():
        exact = exact_network(torch.from_numpy(batch).double()).numpy()
        for _ in range(ROUNDING_RUNS):
            factors = 1 + np.finfo(np.float32).eps * rng.uniform(-1, 1, batch.shape)
            moved = torch.from_numpy((batch * factors).astype(np.float32))
            largest = max(largest, float(np.abs(network(moved).numpy() - exact).max()))
    return ROUNDING_ALLOWANCE * largest


def _compare_noise(
    network: nn.Module, session: ort.InferenceSession, spec: PreprocessSpec, lines: int, width: int
) -> float:
    """Largest difference on random images, which reach sizes and values that lines may not."""
    shape = (lines, spec.num_channels, spec.height, width)
    batch = np.random.default_rng(width).uniform(-1, 1, shape).astype(np.float32)
    expected, found = _run_both(network, session, batch, f"noise of {lines} x {width} px")
    return float(np.abs(found - expected).max())


def _compare_line(
    network: nn.Module, session: ort.InferenceSession, manifest: Manifest, image: Image, number: int
) -> tuple[float, bool]:
    """Largest difference on a line, and whether its text is the same."""
    spec = manifest.preprocess
    bucket = spec.bucket(image)
    batch = spec.batch([spec.resize(image)], bucket)
    expected, found = _run_both(network, session, batch, f"line {number}")
    theirs, ours = (
        decode_best(p, manifest.charset, manifest.layout, [1.0], [bucket])[0].text for p in (expected, found)
    )
    return float(np.abs(found - expected).max()), theirs == ours
