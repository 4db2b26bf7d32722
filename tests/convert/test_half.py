"""Weights in half the bytes: what is stored, what is computed, and when nothing is written."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ocrtune.convert import half
from ocrtune.convert.export import drawn_lines, export_onnx_model
from ocrtune.convert.half import export_half, halve_weights
from ocrtune.errors import BarError, InputError
from ocrtune.reading.models import find_model
from ocrtune.reading.onnx_session import open_session
from ocrtune.reading.recognizer import OnnxRecognizer


def test_a_file_of_half_the_size_reads_the_same_alone(reading_bundle, tmp_path):
    bundle = reading_bundle()
    result = export_half(str(bundle), tmp_path / "half.onnx")
    export_onnx_model(str(bundle), tmp_path / "full.onnx")
    assert 0 < result.max_difference < 0.1
    assert result.size == (tmp_path / "half.onnx").stat().st_size
    assert result.float32_size == (tmp_path / "full.onnx").stat().st_size
    assert result.size < 0.75 * result.float32_size  # the rest of so small a file is the graph
    texts = []
    for name in ("half.onnx", "full.onnx"):
        found = find_model(tmp_path / name)
        recognizer = OnnxRecognizer(found.manifest, found.onnx_path)
        texts.append([recognizer.recognize([line])[0].text for line in drawn_lines(32)])
    differ = sum(a != b for a, b in zip(*texts, strict=True))  # random weights are undecided at many steps
    assert (result.lines_checked, result.texts_differ) == (32, differ)
    assert differ < 8
    assert len(set(texts[0])) > 20


def graph_of(weights):
    """y = x @ weights."""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    shapes = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, len(weights)]) for n in "xy"]
    graph = helper.make_graph(
        nodes, "g", shapes[:1], shapes[1:], [numpy_helper.from_array(weights.astype(np.float32), "w")]
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_it_computes_in_float32_with_rounded_weights(tmp_path):
    weights = np.random.default_rng(0).normal(size=(16, 16))
    model = graph_of(weights)
    assert halve_weights(model) == ["w"]
    onnx.save(model, tmp_path / "m.onnx")
    x = np.random.default_rng(1).normal(size=(1, 16)).astype(np.float32)
    y = open_session(tmp_path / "m.onnx").run(None, {"x": x})[0]
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, x @ weights.astype(np.float16).astype(np.float32), rtol=1e-5)


@pytest.mark.parametrize("weights", [np.full((16, 16), 70_000.0), np.full((16, 16), np.nan), np.ones((2, 2))])
def test_what_float16_cannot_hold_and_what_is_tiny_stay(weights):
    model = graph_of(weights)
    assert halve_weights(model) == []
    assert model.graph.initializer[0].data_type == TensorProto.FLOAT


def test_a_file_that_reads_otherwise_is_not_written(reading_bundle, tmp_path, monkeypatch):
    def spoil(model):
        bias = next(t for t in model.graph.initializer if t.name == "network.head.bias")
        values = numpy_helper.to_array(bias) + 30 * np.eye(len(numpy_helper.to_array(bias)))[3]
        bias.CopyFrom(numpy_helper.from_array(values.astype(np.float32), bias.name))

    monkeypatch.setattr(half, "halve_weights", spoil)
    (tmp_path / "out").mkdir()
    with pytest.raises(BarError, match=r"with 16-bit weights line 1 reads 'c' instead of .+, where 32-bit"):
        export_half(str(reading_bundle()), tmp_path / "out" / "half.onnx")
    assert list((tmp_path / "out").iterdir()) == []


def test_an_output_that_is_there_stays(reading_bundle, tmp_path):
    (tmp_path / "half.onnx").write_bytes(b"mine")
    with pytest.raises(InputError, match=r"half\.onnx exists already"):
        export_half(str(reading_bundle()), tmp_path / "half.onnx")
    assert (tmp_path / "half.onnx").read_bytes() == b"mine"
