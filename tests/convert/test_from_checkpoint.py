"""`ocrtune convert`: what a checkpoint becomes, what is said of it, and what is refused."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from ocrtune.cli import main
from ocrtune.convert.export import load_network
from ocrtune.convert.from_checkpoint import TrainedWith, convert_checkpoint, opened_base
from ocrtune.convert.symbols import (
    BENCHMARK_DEFAULT,
    BENCHMARK_SENSITIVE,
    EASYOCR_ENGLISH,
    choose_charset,
    read_characters,
)
from ocrtune.errors import InputError
from ocrtune.reading.models import find_model
from ocrtune.reading.recognizer import OnnxRecognizer

# the file's stem, what it is said to be, sizes, symbols, (height, widths, fit)
GOLDEN = [
    (
        "dtrb-crnn",
        "None-VGG-BiLSTM-CTC, hidden 16, 37 classes",
        {"channels": 32, "hidden": 16},
        BENCHMARK_DEFAULT,
        (32, (100,), "fill"),
    ),
    (
        "easyocr-gen2",
        "None-VGG-BiLSTM-CTC, hidden 16, 97 classes",
        {"channels": 32, "hidden": 16},
        EASYOCR_ENGLISH,
        (64, None, "ratio"),
    ),
    (
        "dtrb-rcnn-ctc",
        "None-RCNN-None-CTC, 37 classes",
        {"channels": 32},
        BENCHMARK_DEFAULT,
        (32, (100,), "fill"),
    ),
    (
        "dtrb-resnet-bilstm-ctc",
        "None-ResNet-BiLSTM-CTC, hidden 16, 37 classes",
        {"channels": 32, "hidden": 16},
        BENCHMARK_DEFAULT,
        (32, (100,), "fill"),
    ),
    (
        "dtrb-vgg-attn",
        "None-VGG-BiLSTM-Attn, hidden 16, 38 classes",
        {"channels": 32, "hidden": 16, "max_length": 25},
        BENCHMARK_DEFAULT,
        (32, (100,), "fill"),
    ),
    (
        "dtrb-rcnn-bilstm-attn",
        "None-RCNN-BiLSTM-Attn, hidden 16, 38 classes",
        {"channels": 32, "hidden": 16, "max_length": 25},
        BENCHMARK_DEFAULT,
        (32, (100,), "fill"),
    ),
    (
        "dtrb-trba",
        "TPS-ResNet-BiLSTM-Attn, hidden 16, 38 classes",
        {"channels": 32, "hidden": 16, "height": 32, "width": 100, "points": 20, "max_length": 25},
        BENCHMARK_DEFAULT,
        (32, (100,), "fill"),
    ),
]
SLOW = ("dtrb-rcnn-bilstm-attn", "dtrb-trba")
"""2 s each; the other attention model is read always."""


@pytest.mark.parametrize(
    ("reference", "title", "options", "symbols", "images"),
    [pytest.param(*case, id=case[0], marks=pytest.mark.slow if case[0] in SLOW else ()) for case in GOLDEN],
)
def test_a_reference_checkpoint_becomes_a_bundle_that_gives_its_logits(
    shared, tmp_path, reference, title, options, symbols, images
):
    said: list[str] = []
    path = shared / "golden" / f"{reference}.pth"
    bundle = convert_checkpoint(path, tmp_path / "bundle", note=said.append)
    assert said[0] == f"{path}: this is {title}"
    assert not [text for text in said if text.startswith("not ")]  # all was loaded, all was used
    found = find_model(tmp_path / "bundle")
    assert found.manifest.architecture.options == options
    assert "".join(found.manifest.symbols) == symbols
    spec = found.manifest.preprocess
    assert (spec.height, spec.fit) == (images[0], images[2])
    assert images[1] is None or spec.width_buckets == images[1]
    with np.load(shared / "golden" / f"{reference}.npz") as tensors, torch.inference_mode():
        logits = load_network(bundle)(torch.from_numpy(tensors["images"]))
        probabilities = torch.from_numpy(tensors["logits"]).softmax(2)
    torch.testing.assert_close(logits.softmax(2), probabilities, atol=1e-4, rtol=0)
    (reading,) = OnnxRecognizer(found.manifest, found.onnx_path).recognize([np.zeros((40, 200), np.uint8)])
    assert set(reading.text) <= set(symbols)


def test_the_network_s_name_must_be_the_asked_one(save, crnn_state, tmp_path):
    path = save(crnn_state(37))
    with pytest.raises(InputError) as error:
        convert_checkpoint(path, tmp_path / "bundle", arch="TPS-ResNet-BiLSTM-Attn")
    assert str(error.value) == (
        f"{path}: this is None-VGG-BiLSTM-CTC, hidden 4, 37 classes; you asked for TPS-ResNet-BiLSTM-Attn: "
        "leave --arch out, or give another checkpoint"
    )
    assert not (tmp_path / "bundle").exists()
    convert_checkpoint(path, tmp_path / "bundle", arch="None-VGG-BiLSTM-CTC")


@pytest.mark.parametrize(
    ("classes", "character", "message"),
    [
        (37, "abc", "37 classes: they stand for 36 symbols, and --character has 3; give the very ones"),
        (40, None, "40 classes: which 39 symbols they stand for is not in the file; give them with"),
        (4, "aba", "a charset holds 'a' more than once"),
        (1, None, "1 classes, too few for a symbol"),
    ],
)
def test_a_charset_that_does_not_fit_is_refused(save, crnn_state, tmp_path, classes, character, message):
    path = save(crnn_state(classes))
    with pytest.raises(InputError, match=message):
        convert_checkpoint(path, tmp_path / "bundle", character=character)
    assert not (tmp_path / "bundle").exists()


def test_what_was_not_loaded_is_listed(save, crnn_state, tmp_path):
    state = crnn_state(37) | {"module.Extra.weight": torch.ones(1)}
    del state["module.FeatureExtraction.ConvNet.0.bias"]
    said: list[str] = []
    convert_checkpoint(save(state), tmp_path / "bundle", note=said.append)
    assert "not in the checkpoint, left random: features.0.bias" in said
    assert "not used: Extra.weight" in said


def test_below_nine_tenths_of_the_body_it_stops(save, crnn_state, tmp_path):
    state = crnn_state(37)
    del state["module.FeatureExtraction.ConvNet.14.weight"]  # 2,304 of 7,554 weights
    with pytest.raises(
        InputError, match=r"only 6\d% of that network's weights \(first missing: features\.14\.weight\)"
    ):
        convert_checkpoint(save(state), tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_another_kind_of_network_is_refused_by_its_tensors(save, crnn_state, tmp_path):
    path = save({"backbone.stem.weight": torch.ones(2), "fc.bias": torch.ones(2)})
    with pytest.raises(InputError, match=r"its tensors are called backbone\.stem\.weight, fc\.bias, …"):
        convert_checkpoint(path, tmp_path / "bundle")
    cut = {key: t for key, t in crnn_state(37).items() if "Prediction" not in key}
    with pytest.raises(InputError, match=r"but not 'head\.weight': it is cut, or of another version"):
        convert_checkpoint(save(cut), tmp_path / "bundle")


def test_what_is_known_of_the_training_goes_into_the_preprocessing(save, crnn_state, tmp_path):
    path = save(crnn_state(37))
    trained = TrainedWith(height=64, width=600, pad=True)
    spec = convert_checkpoint(path, tmp_path / "bundle", trained=trained).manifest.preprocess
    assert (spec.height, spec.width_buckets, spec.fit, spec.padding) == (64, (600,), "ratio", "edge")
    with pytest.raises(InputError, match="--max-length is for attention networks; this is None-VGG"):
        convert_checkpoint(path, tmp_path / "other", trained=TrainedWith(max_length=40))


def test_a_bundle_that_is_there_stays(save, crnn_state, tmp_path):
    path = save(crnn_state(37))
    (tmp_path / "bundle").mkdir()
    with pytest.raises(InputError, match="exists already; choose another name or add --overwrite"):
        convert_checkpoint(path, tmp_path / "bundle")


def test_as_a_base_it_is_a_bundle_that_goes_away(save, crnn_state):
    with opened_base(str(save(crnn_state(37))), None, None, lambda text: None) as found:
        assert found.bundle is not None
        folder = found.bundle.path
        assert found.onnx_path.is_file()
    assert not folder.exists()


def test_the_command_converts_and_reads(save, crnn_state, tmp_path, capsys):
    path = save(crnn_state(37))
    assert main(["convert", str(path), "-o", str(tmp_path / "bundle")]) == 0
    shown = capsys.readouterr()
    assert shown.out == f"{tmp_path / 'bundle'}: crnn, 36 symbols, its ONNX file verified\n"
    assert "this is None-VGG-BiLSTM-CTC, hidden 4, 37 classes" in shown.err
    cv2.imwrite(str(tmp_path / "line.png"), np.full((32, 90), 255, np.uint8))
    assert main(["read", "--lines", str(tmp_path / "line.png"), "-m", str(tmp_path / "bundle")]) == 0
    assert main(["info", str(path)]) == 2
    assert f"model.pth is a checkpoint, not a model of ocrtune; make one: ocrtune convert {path}" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("name", "content", "symbols"),
    [
        # EasyOCR's own: imgH, network_params and the symbols.
        ("custom.yaml", "imgH: 64\nlang_list: ['en']\ncharacter_list: '0123 ab€'\n", "0123 ab€"),
        # Its trainer's: three lists, in this order.
        ("trainer.yaml", "number: '01'\nsymbol: '!?'\nlang_char: 'ab'\nimgH: 64\n", "01!?ab"),
        ("list.txt", "a\nb\n \n", "ab "),
        ("line.txt", "abc\n", "abc"),
    ],
)
def test_characters_are_read_from_files(tmp_path, name, content, symbols):
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert "".join(read_characters(str(tmp_path / name)).symbols) == symbols


def test_a_yaml_without_characters_is_refused(tmp_path):
    (tmp_path / "other.yaml").write_text("imgH: 64\n", encoding="utf-8")
    with pytest.raises(InputError, match="has neither character_list nor number, symbol and lang_char"):
        read_characters(str(tmp_path / "other.yaml"))


def test_characters_that_are_no_file_are_the_symbols():
    assert "".join(read_characters("0123/äö").symbols) == "0123/äö"
    assert len(read_characters("".join(chr(code) for code in range(0x4E00, 0x5E00)))) == 4096


@pytest.mark.parametrize(
    ("count", "symbols"), [(36, BENCHMARK_DEFAULT), (94, BENCHMARK_SENSITIVE), (96, EASYOCR_ENGLISH)]
)
def test_known_numbers_of_symbols_have_a_default_that_is_named(count, symbols):
    charset, source = choose_charset(None, count, "it")
    assert "".join(charset.symbols) == symbols
    assert f"as nearly all with {count} symbols have; else give --character" in source


def test_the_defaults_are_those_of_their_projects():
    assert BENCHMARK_SENSITIVE == "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" + (
        "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
    )
    assert EASYOCR_ENGLISH.startswith("0123456789!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ €ABC")
