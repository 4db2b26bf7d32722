"""The three files of an EasyOCR network; EasyOCR itself loads them in `test_easyocr_itself.py`."""

from __future__ import annotations

import ast

import numpy as np
import pytest
import torch
import yaml

from ocrtune.bundle import Architecture, Manifest, write_bundle
from ocrtune.convert import easyocr_export
from ocrtune.convert.easyocr_export import easyocr_input, export_easyocr, load_exported
from ocrtune.errors import BarError, InputError
from ocrtune.models import build
from ocrtune.preprocess import PreprocessSpec
from ocrtune.train.fresh import fresh_spec


@pytest.mark.parametrize("name", ["crnn", "crnn-shi", "vgg-ctc", "rcnn-ctc", "resnet-bilstm-ctc"])
def test_the_files_define_the_network_without_ocrtune(reading_bundle, tmp_path, name):
    bundle = reading_bundle(name, second_looks=(2,))
    result = export_easyocr(str(bundle), tmp_path / "new" / "my_receipts")
    folder = result.folder
    assert (result.lines_checked, result.max_difference) == (32, 0)
    assert result.agreement.lines == 32
    assert sorted(p.name for p in folder.iterdir()) == [f"my_receipts.{e}" for e in ("pth", "py", "yaml")]
    imported = {
        node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.walk(ast.parse((folder / "my_receipts.py").read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert imported == {"__future__", "collections", "torch", "torch.nn"}
    settings = yaml.safe_load((folder / "my_receipts.yaml").read_text(encoding="utf-8"))
    assert settings["character_list"] == "abc defghijøé#'"
    assert (settings["imgH"], settings["lang_list"]) == (32, ["en"])
    state = torch.load(folder / "my_receipts.pth", weights_only=True)
    assert all(key.startswith("module.") for key in state)


def test_the_weights_are_those_of_the_model(reading_bundle, tmp_path):
    export_easyocr(str(reading_bundle()), tmp_path / "my_receipts")
    loaded = load_exported(tmp_path / "my_receipts", "my_receipts")
    expected = easyocr_export.trained_network(easyocr_export.find_model(tmp_path / "bundle"))
    for key, tensor in expected.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[key], tensor, atol=0, rtol=0)


def test_a_network_that_reads_otherwise_is_shown_and_nothing_written(reading_bundle, tmp_path, monkeypatch):
    def spoiled(folder, name):
        network = load_exported(folder, name)
        with torch.no_grad():
            network.head.bias[3] += 100
        return network

    monkeypatch.setattr(easyocr_export, "load_exported", spoiled)
    (tmp_path / "out").mkdir()
    with pytest.raises(BarError, match=r"line 1: the files for EasyOCR read 'c', tiny .+, and a probability"):
        export_easyocr(str(reading_bundle()), tmp_path / "out" / "my_receipts")
    assert list((tmp_path / "out").iterdir()) == []


def plain_bundle(path, name, symbols, spec, **options):
    classes = 2 if name.endswith("attn") else 1
    network = build(name, options, len(symbols) + classes)
    manifest = Manifest(
        name="tiny",
        architecture=Architecture(name=name, options=options),
        symbols=symbols,
        classes="attention" if classes == 2 else "ctc",
        preprocess=spec,
        licence="none",
        origin="random weights",
    )
    return write_bundle(path, manifest, {k: t.numpy() for k, t in network.state_dict().items()}, None).path


GREY = fresh_spec("crnn")
SIZES = {"channels": 32, "hidden": 16}
ONE_WIDTH = GREY.model_copy(update={"width_buckets": (96,)})


@pytest.mark.parametrize(
    ("name", "symbols", "spec", "options", "reason"),
    [
        ("vgg-attn", "ab", GREY, SIZES, "vgg-attn is not CTC, and EasyOCR decodes CTC only"),
        (
            "tps-vgg-ctc",
            "ab",
            ONE_WIDTH,
            {"channels": 32, "width": 96},
            "it reads lines stretched to 96 px, and",
        ),
        ("ppocrv6-small", "ab", PreprocessSpec(), {}, r"ppocrv6-small reads colours \(bgr\), and EasyOCR"),
        ("crnn", ("a", "e\u0301"), GREY, SIZES, "its symbols 'e\u0301' have several code points"),
        ("crnn", "ab", GREY.model_copy(update={"mean": 0.0}), SIZES, "it was trained on images of another"),
    ],
)
def test_what_easyocr_cannot_run_is_refused(tmp_path, name, symbols, spec, options, reason):
    bundle = plain_bundle(tmp_path / "bundle", name, tuple(symbols), spec, **options)
    with pytest.raises(InputError, match=f"tiny cannot be EasyOCR's: {reason}"):
        export_easyocr(str(bundle), tmp_path / "my_receipts")
    assert not (tmp_path / "my_receipts").exists()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("my-receipts", "EasyOCR imports it as a Python module, so it needs a name of letters"),
        ("class", "EasyOCR imports it as a Python module"),
        ("json", "Python has a module of that name, which EasyOCR would import instead"),
        ("latin_g2", "EasyOCR has a network of that name"),
    ],
)
def test_a_name_that_easyocr_would_look_up_elsewhere_is_refused(tmp_path, name, reason):
    with pytest.raises(InputError, match=f"the network would be called '{name}': {reason}"):
        export_easyocr("ppocrv6-small", tmp_path / name)


@pytest.mark.parametrize(
    ("shape", "width"), [((20, 100), 5 * 32), ((20, 101), 6 * 32), ((40, 20), 2 * 32), ((32, 32), 32)]
)
def test_easyocr_pads_to_multiples_of_the_height_with_the_last_column(shape, width):
    image = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    array = easyocr_input(image, 32)
    assert array.shape == (1, 1, 32, width)
    assert array.min() >= -1
    assert array.max() <= 1
    if shape == (20, 101):
        np.testing.assert_array_equal(array[..., 161:], np.repeat(array[..., 160:161], 31, 3))
