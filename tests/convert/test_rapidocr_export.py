"""Files for RapidOCR: read by RapidOCR itself, which is installed, and refused where it could not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ocrtune.bundle import ModelBundle
from ocrtune.convert import rapidocr_export
from ocrtune.convert.export import drawn_lines, load_network
from ocrtune.convert.rapidocr_export import ForRapidOCR, export_rapidocr
from ocrtune.errors import BarError, InputError
from ocrtune.preprocess import PreprocessSpec
from ocrtune.reading.models import find_model
from ocrtune.reading.onnx_session import open_session
from ocrtune.reading.recognizer import OnnxRecognizer


@pytest.mark.parametrize("symbols", ["abc defghijøé#'", "abcdefgh", "abcdef "])  # amid, missing, last
def test_rapidocr_reads_what_ocrtune_reads_with_the_file(reading_bundle, tmp_path, symbols):
    output = tmp_path / "rapid.onnx"
    result = export_rapidocr(str(reading_bundle(symbols=symbols)), output)
    assert result.lines_checked == 32
    assert result.max_difference < 1e-5
    assert result.parameters == {
        "Rec.model_path": str(output), "Rec.rec_img_shape": [3, 32, 320], "Rec.rec_batch_num": 1,
    }  # fmt: skip
    metadata = open_session(output).get_modelmeta().custom_metadata_map
    assert metadata["character"].split("\n") == list(symbols.replace(" ", ""))
    found = find_model(output)
    assert found.manifest.symbols == (*symbols.replace(" ", ""), " ")
    texts = [p.text for p in OnnxRecognizer(found.manifest, output).recognize(drawn_lines(8))]
    assert len(set(texts)) > 4
    assert result.agreement.lines == 32


def test_rapidocr_itself_gives_the_texts_that_are_compared(reading_bundle, tmp_path):
    """Without our code around it, as a user calls it."""
    from rapidocr import RapidOCR

    bundle = reading_bundle()
    parameters = export_rapidocr(str(bundle), tmp_path / "rapid.onnx").parameters
    alone = {"Global.use_det": False, "Global.use_cls": False, "Global.use_preprocess_img": False}
    engine = RapidOCR(params=parameters | alone | {"Global.log_level": "critical"})
    manifest = find_model(tmp_path / "rapid.onnx").manifest
    network = ForRapidOCR(load_network(ModelBundle.open(bundle)), ModelBundle.open(bundle).manifest)
    for line in drawn_lines(4):
        with torch.inference_mode():
            array = torch.from_numpy(rapidocr_export.rapidocr_input(line, 32))
            expected = rapidocr_export._text(manifest, network(array).softmax(2).numpy())
        assert engine(line[:, :, ::-1].copy()).txts == (expected,)


@pytest.mark.parametrize(
    ("changes", "to_input"),
    [
        ({"channels": "gray"}, lambda bgr: np.einsum("nchw,c->nhw", bgr, [0.114, 0.587, 0.299])[:, None]),
        ({"channels": "gray", "mean": 0.0, "std": 255.0}, lambda bgr: (bgr[:, :1] + 1) / 2),
    ],
)
def test_grey_and_scale_are_made_inside_the_graph(reading_bundle, changes, to_input):
    bundle = ModelBundle.open(reading_bundle(symbols="cab"))
    manifest = bundle.manifest.model_copy(
        update={"preprocess": bundle.manifest.preprocess.model_copy(update=changes)}
    )
    network = load_network(bundle)
    bgr = np.random.default_rng(0).uniform(-1, 1, (2, 3, 32, 64))
    if "mean" in changes:
        bgr[:] = bgr[:, :1]  # grey in all three, whose weights add up to one
    with torch.inference_mode():
        given = ForRapidOCR(network, manifest)(torch.from_numpy(bgr.astype(np.float32)))
        expected = network(torch.from_numpy(to_input(bgr).astype(np.float32)))
    assert given.shape == (2, 15, 5)  # blank, c, a, b, and the space that it lacks
    torch.testing.assert_close(given[..., :4], expected, atol=2e-3, rtol=1e-4)
    assert (given[..., 4] == -1e4).all()


def test_a_text_that_rapidocr_reads_otherwise_is_shown_and_nothing_written(
    reading_bundle, tmp_path, monkeypatch
):
    monkeypatch.setattr(rapidocr_export, "_read_with_rapidocr", lambda *_: ["Melk IL"] * 32)
    (tmp_path / "out").mkdir()
    with pytest.raises(BarError, match=r"line 1: RapidOCR reads 'Melk IL' with the file, ocrtune .+ on"):
        export_rapidocr(str(reading_bundle()), tmp_path / "out" / "rapid.onnx")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "symbols", "spec", "reason"),
    [
        (
            "crnn",
            "ab\u2028",
            {},
            r"its symbols '\\u2028' break lines, and RapidOCR reads a list with a symbol",
        ),
        ("crnn", "ab", {"stretch": 1.5}, r"it reads lines stretched 1\.5 times, and RapidOCR keeps their"),
        ("crnn", " ", {}, "it has no symbol besides the space"),
        ("crnn", "ab", {"fit": "fill", "width_buckets": (96,)}, "it reads lines stretched to 96 px, and"),
    ],
)
def test_what_rapidocr_cannot_do_is_refused(reading_bundle, tmp_path, name, symbols, spec, reason):
    full = PreprocessSpec(**({"height": 32, "channels": "gray"} | spec))
    with pytest.raises(InputError, match=f"tiny cannot be RapidOCR's: {reason}"):
        export_rapidocr(str(reading_bundle(name, symbols, full)), tmp_path / "m.onnx")
