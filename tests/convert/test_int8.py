"""8-bit files: what is in them, what they record, and when they are not written."""

from __future__ import annotations

import cv2
import numpy as np
import onnx
import pytest

from ocrtune.convert import int8
from ocrtune.convert.export import drawn_lines, export_onnx_model
from ocrtune.convert.int8 import export_int8
from ocrtune.convert.quantise import Quantiser
from ocrtune.errors import BarError, InputError
from ocrtune.reading.models import find_model
from ocrtune.reading.recognizer import OnnxRecognizer

FASTER = ((2.0, 1.0), 2.0)


def ignore(message):
    """What is reported on the way is of no interest."""


@pytest.fixture(autouse=True)
def same_speed(monkeypatch):
    """Twice as fast: what is measured says how busy the machine is."""
    monkeypatch.setattr(int8, "_time_both", lambda *_: FASTER)


@pytest.fixture
def labelled(reading_bundle, tmp_path):
    """Twelve drawn lines, labelled with what the bundle reads on them."""
    export_onnx_model(str(reading_bundle()), tmp_path / "float.onnx")
    found = find_model(tmp_path / "float.onnx")
    folder = tmp_path / "lines"
    folder.mkdir()
    lines = drawn_lines(12)
    rows = []
    for i, prediction in enumerate(OnnxRecognizer(found.manifest, found.onnx_path).recognize(lines)):
        cv2.imwrite(str(folder / f"{i}.png"), cv2.cvtColor(lines[i], cv2.COLOR_RGB2BGR))
        rows.append(f"{i}.png\t{prediction.text}\n")
    (folder / "labels.txt").write_text("".join(rows), encoding="utf-8")
    return folder


def test_a_file_in_8_bits_reads_alone_and_says_what_it_lost(reading_bundle, labelled, tmp_path, monkeypatch):
    monkeypatch.setattr(int8, "MOST_LOST", 1.0)  # random weights have no text that is sure
    output = tmp_path / "int8.onnx"
    result = export_int8(str(reading_bundle()), output, data=[str(labelled)], report=ignore)
    assert (result.agreement.lines, result.calibrated) == (6, 6)
    assert result.cer[0] == 0  # the labels are what the float model reads
    assert 0 <= result.lost == result.cer[1]
    graph = onnx.load(output).graph
    in_8_bits = [t for t in graph.initializer if t.data_type == onnx.TensorProto.INT8 and len(t.dims) > 1]
    assert len(in_8_bits) == len(result.layers) > 1
    assert len(result.layers) + len(result.kept) == 10  # 7 convolutions, 2 projections, the head
    found = find_model(output)
    assert found.manifest.metrics["int8"] == {
        "lines": 6.0, "cer_float": 0.0, "cer": result.cer[1],
        "ms_float": 2.0, "ms": 1.0, "speedup": 2.0,
        "layers": len(result.layers), "layers_in_float": len(result.kept),
    }  # fmt: skip
    assert len(OnnxRecognizer(found.manifest, output).recognize(drawn_lines(3))) == 3
    assert {p.name for p in tmp_path.iterdir()} == {"bundle", "float.onnx", "int8.onnx", "lines"}


def test_the_layers_that_do_most_for_the_least_damage_are_in_8_bits(reading_bundle, tmp_path, monkeypatch):
    """Two layers of like damage, one of which does little: that one stays in float."""
    quantiser, batches = prepare(reading_bundle, tmp_path)
    layers = list(quantiser.work)
    quantiser.work = dict(zip(layers, [1, 1, 1, 1, 100, 100, 100, 1, 1, 1], strict=True))
    monkeypatch.setattr(int8, "CANDIDATES", 1.0)
    monkeypatch.setattr(int8, "SHARE", 0.9)
    assert set(int8._choose_layers(quantiser, tmp_path / "float.onnx", batches)) == set(layers[4:7])


def prepare(reading_bundle, folder):
    """A quantiser of the small network, and the two lines that it was calibrated on."""
    export_onnx_model(str(reading_bundle()), folder / "float.onnx")
    spec = find_model(folder / "float.onnx").manifest.preprocess
    batches = [spec.batch([spec.resize(line)], spec.bucket(line)) for line in drawn_lines(2)]
    return Quantiser(folder / "float.onnx", batches, folder), batches


def test_a_layer_is_in_8_bits_or_in_float_as_asked(reading_bundle, tmp_path):
    quantiser, _ = prepare(reading_bundle, tmp_path)
    layers = list(quantiser.work)
    graph = quantiser.quantise(layers[1:3]).graph
    dequantised = {n.output[0] for n in graph.node if n.op_type == "DequantizeLinear"}
    assert {n.name for n in graph.node if n.name in layers and n.input[1] in dequantised} == set(layers[1:3])


def test_the_heavy_layers_are_the_fewest_that_do_the_work(reading_bundle, tmp_path):
    export_onnx_model(str(reading_bundle()), tmp_path / "float.onnx")
    batch = np.zeros((1, 1, 32, 64), np.float32)
    quantiser = Quantiser(tmp_path / "float.onnx", [batch], tmp_path)
    steps = 64 // 4 - 1
    assert list(quantiser.work.values()) == [
        4 * 9 * 32 * 64, 4 * 8 * 9 * 16 * 32, 8 * 16 * 9 * 8 * 16, 16 * 16 * 9 * 8 * 16,
        16 * 32 * 9 * 4 * 16, 32 * 32 * 9 * 4 * 16, 32 * 32 * 4 * steps,
        32 * 16 * steps, 32 * 16 * steps, 16 * 16 * steps,
    ]  # fmt: skip
    assert quantiser.heavy(0.3) == tuple(list(quantiser.work)[5:6])
    assert quantiser.heavy(1.0) == tuple(quantiser.work)


@pytest.mark.parametrize(
    ("most_lost", "speed", "reason"),
    [
        (1.0, ((1.0, 2.0), 0.5), "it is not faster here"),
        (-1.0, FASTER, "it loses more than -100.0 points of CER"),
        (-1.0, ((1.0, 1.0), 1.0), "it is not faster here and it loses more than -100.0 points of CER"),
    ],
)
def test_it_is_written_only_if_it_pays_or_by_force(
    reading_bundle, labelled, tmp_path, monkeypatch, most_lost, speed, reason
):
    monkeypatch.setattr(int8, "MOST_LOST", most_lost)
    monkeypatch.setattr(int8, "_time_both", lambda *_: speed)
    output = tmp_path / "out" / "m.onnx"
    output.parent.mkdir()
    bundle = str(reading_bundle())
    with pytest.raises(BarError, match=r"Nothing was written; --force writes it all the same") as error:
        export_int8(bundle, output, data=[str(labelled)], report=ignore)
    assert f"x the speed: {reason}" in str(error.value)
    assert list(output.parent.iterdir()) == []
    said = []
    export_int8(bundle, output, data=[str(labelled)], force=True, report=said.append)
    assert said[-1].endswith("Written because of --force")
    assert find_model(output).manifest.metrics["int8"]["speedup"] == speed[1]


def test_one_line_cannot_both_calibrate_and_measure(reading_bundle, labelled, tmp_path):
    first = (labelled / "labels.txt").read_text(encoding="utf-8").splitlines()[0]
    (labelled / "labels.txt").write_text(first + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="--data has one line; int8 needs some to calibrate on and others"):
        export_int8(str(reading_bundle()), tmp_path / "m.onnx", data=[str(labelled)], report=ignore)


def test_drawn_lines_are_announced(reading_bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(int8, "MOST_LOST", 1.0)
    monkeypatch.setattr(int8, "DRAWN", 8)
    said = []
    result = export_int8(str(reading_bundle()), tmp_path / "m.onnx", report=said.append)
    assert said[:1] == ["no --data: calibrated and measured on 8 drawn lines, which yours may not be like"]
    assert result.agreement.lines == 4
