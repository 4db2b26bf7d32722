"""The PyTorch twin of PP-OCRv6 small against the released ONNX graph.

Two questions, two tests. Is it the same function? In float64, where rounding hides nothing, the
two agree to 1e-6. How far apart are they as run, in float32? ONNX Runtime is itself up to 8e-5 off
the float64 result at steps where two symbols are almost as likely, so 1e-5 can hold, and does, at
steps that are decided; elsewhere the float32 rounding of the network shows.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from ocrtune.convert.ppocr import load_ppocrv6_small
from ocrtune.decoding import decode_ctc
from ocrtune.errors import InputError
from ocrtune.models.ppocrv6 import PPOCRv6Small
from ocrtune.reading.models import find_model
from ocrtune.reading.onnx_session import open_session

RECEIPT = "total cash change 12.50 receipt milk bread invoice No. 4711 street Price: each tax 7,90"


@pytest.fixture(scope="module")
def base():
    return find_model("ppocrv6-small")


@pytest.fixture(scope="module")
def twin(base):
    return load_ppocrv6_small(base.onnx_path)


@pytest.fixture(scope="module")
def session(base):
    return open_session(base.onnx_path)


def rendered_lines(count: int, width: int) -> np.ndarray:
    """(count, 3, 48, width) float32 in -1..1: receipt words that fill the width."""
    lines = np.full((count, 48, width, 3), 255, np.uint8)
    for i, line in enumerate(lines):
        words = np.random.default_rng((count, width, i)).permutation(RECEIPT.split())
        text = " ".join(words)[: max(2, width // 20)]
        cv2.putText(line, text, (3, 34), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (20, 20, 20), 2, cv2.LINE_AA)
    return (lines.transpose(0, 3, 1, 2).astype(np.float32) - 127.5) / 127.5


def as_float64(path: Path) -> ReferenceEvaluator:
    """The graph with every float32 tensor as float64, run by ONNX's own reference implementation."""
    model = onnx.load(path)
    graph = model.graph

    def widen(tensor: TensorProto) -> None:
        if tensor.data_type == TensorProto.FLOAT:
            wide = numpy_helper.to_array(tensor).astype(np.float64)
            tensor.CopyFrom(numpy_helper.from_array(wide, tensor.name))

    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR:
                widen(attribute.t)
            if node.op_type == "Cast" and attribute.i == TensorProto.FLOAT:
                attribute.i = TensorProto.DOUBLE
    for tensor in graph.initializer:
        widen(tensor)
    # The reference evaluator of onnx 1.23 normalises by the batch's own statistics here.
    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    alias = {n.output[0]: n.input[0] for n in graph.node if n.op_type == "Identity"}
    for node in [n for n in graph.node if n.op_type == "BatchNormalization"]:
        gamma, beta, mean, variance = (constants[alias.get(i, i)] for i in node.input[1:5])
        epsilon = next(a.f for a in node.attribute if a.name == "epsilon")
        scale = gamma / np.sqrt(variance + epsilon)
        x, y, at = node.input[0], node.output[0], list(graph.node).index(node)
        for name, value in (("scale", scale), ("shift", beta - mean * scale)):
            graph.initializer.append(numpy_helper.from_array(value.reshape(-1, 1, 1), f"{y}.{name}"))
        graph.node.remove(node)
        graph.node.insert(at, helper.make_node("Mul", [x, f"{y}.scale"], [f"{y}.scaled"]))
        graph.node.insert(at + 1, helper.make_node("Add", [f"{y}.scaled", f"{y}.shift"], [y]))
    return ReferenceEvaluator(model)


# 48: one character; 65: not a multiple of the stride
@pytest.mark.parametrize(("count", "width"), [(2, 48), (1, 65)])
def test_the_twin_is_the_same_function(base, count, width):
    reference = as_float64(base.onnx_path)
    images = rendered_lines(count, width).astype(np.float64)
    expected = reference.run(None, {reference.input_names[0]: images})[0]
    exact = load_ppocrv6_small(base.onnx_path).double()
    with torch.inference_mode():
        probabilities = exact(torch.from_numpy(images)).softmax(2).numpy()
    assert expected.shape == (count, exact.steps(width), 18_710)
    # Left over: constants that the graph holds in float32 (the root of 2, the attention's scale).
    np.testing.assert_allclose(probabilities, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("count", [1, 7])
@pytest.mark.parametrize("width", [48, 96, 200, 320, 641, 1280])
def test_probabilities_equal_those_of_onnx_runtime(base, twin, session, count, width):
    images = rendered_lines(count, width)
    expected = session.run(None, {session.get_inputs()[0].name: images})[0]
    with torch.inference_mode():
        probabilities = twin(torch.from_numpy(images)).softmax(2).numpy()
    difference = np.abs(probabilities - expected).max(2)  # (N, T)
    decided = expected.max(2) > 0.99
    assert decided.mean() > 0.8  # otherwise the lines say nothing
    assert difference[decided].max() < 1e-5
    assert np.mean(difference < 1e-5) > 0.97
    assert difference.max() < 2e-4  # see the module's docstring; 5e-5 where this was written
    px = [8.0] * count
    manifest = base.manifest
    ours, theirs = (
        [line.text for line in decode_ctc(p, manifest.charset, manifest.layout, px, [width] * count)]
        for p in (probabilities, expected)
    )
    assert ours == theirs


def test_stride_4_keeps_the_weights_and_doubles_the_steps(twin):
    finer = PPOCRv6Small(18_710, time_stride=4).eval()
    finer.load_state_dict(twin.state_dict())
    images = torch.from_numpy(rendered_lines(1, 320))
    with torch.inference_mode():
        assert twin(images).shape == (1, 40, 18_710)
        assert finer(images).shape == (1, 80, 18_710)


def other_network() -> bytes:
    """A valid ONNX graph of one matrix product."""
    weight = numpy_helper.from_array(np.zeros((4, 5), np.float32), "weight")
    bias = numpy_helper.from_array(np.zeros(5, np.float32), "bias")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "weight"], ["y"]), helper.make_node("Add", ["y", "bias"], ["z"])],
        "other",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, 5])],
        [weight, bias],
    )
    return helper.make_model(graph).SerializeToString()


# what the file holds
@pytest.mark.parametrize(
    "content",
    [
        b"not a graph",
        b"",  # an empty graph, as protobuf sees it
        other_network(),
    ],
)
def test_another_file_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "other.onnx"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"other\.onnx is not a PP-OCRv6 small recogniser: .") as error:
        load_ppocrv6_small(path)
    assert "\n" not in str(error.value)
