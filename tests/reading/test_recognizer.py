"""The ONNX recogniser: order, batches, spans, and graphs that do not fit their manifest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from ocrtune.errors import InputError
from ocrtune.preprocess import PreprocessSpec
from ocrtune.reading import recognizer as recognizer_module
from ocrtune.reading.models import find_model
from ocrtune.reading.recognizer import OnnxRecognizer
from ocrtune.records import CharacterSpan, Image


@pytest.fixture(scope="module")
def base() -> OnnxRecognizer:
    found = find_model()
    return OnnxRecognizer(found.manifest, found.onnx_path)


@pytest.fixture
def blocks(block_onnx: Path) -> OnnxRecognizer:
    return OnnxRecognizer(find_model(block_onnx).manifest, block_onnx)


def typed_line(text: str, width: int) -> Image:
    image = np.full((40, width, 3), 245, np.uint8)
    cv2.putText(image, text, (6, 29), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (20, 20, 30), 2, cv2.LINE_AA)
    return image


def test_the_base_reads_a_line_the_same_alone_and_in_any_company(base: OnnxRecognizer) -> None:
    """Lines of many widths: padding comes from a line's own bucket, never from its neighbours."""
    texts = [
        "Total 45,90",
        "a",
        "The quick brown fox",
        "Rosenborg",
        "Melk",
        "12",
        "Grovt knekkebrod 3 pk",
    ]
    images = [typed_line(text, 20 + 18 * len(text)) for text in texts]
    alone = [base.recognize([image])[0] for image in images]
    together = base.recognize(images)
    backwards = base.recognize(images[::-1])[::-1]
    assert [line.text for line in alone] == texts
    assert [line.text for line in together] == texts
    assert [line.text for line in backwards] == texts
    for one, other in zip(alone, together, strict=True):
        assert one.confidence == pytest.approx(other.confidence, abs=1e-4)


def test_real_lines_read_the_same_alone_and_in_any_company(base: OnnxRecognizer, shared: Path) -> None:
    files = sorted((shared / "real" / "receipts" / "val" / "images").iterdir())[:24]
    images = [cv2.imread(str(file))[:, :, ::-1] for file in files]
    alone = [base.recognize([image])[0].text for image in images]
    assert [line.text for line in base.recognize(images)] == alone


def test_results_keep_the_order_given_across_buckets_and_full_batches(
    blocks: OnnxRecognizer, draw_blocks: Callable[[str], Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recognizer_module, "BATCH_WIDTH", 64)  # two of the narrowest in a batch
    texts = ["a", "abcabcab", "b", "c", "abcab", "", "ca", "cabcabcabcab"]
    images = [draw_blocks(text) if text else np.zeros((8, 8), np.uint8) for text in texts]
    assert [line.text for line in blocks.recognize(images)] == texts
    assert blocks.recognize([]) == []


def test_spans_are_in_px_of_the_image_as_given(
    blocks: OnnxRecognizer, draw_blocks: Callable[[str], Image]
) -> None:
    """Twice as large, the image is halved before the network; its spans are still its own px."""
    image = draw_blocks("ab")
    large = np.repeat(np.repeat(image, 2, axis=0), 2, axis=1)
    small_line, large_line = blocks.recognize([image, large])
    assert small_line.characters == (
        CharacterSpan("a", pytest.approx(1), 0, 4),
        CharacterSpan("b", pytest.approx(1), 8, 12),
    )
    assert [(s.symbol, s.start, s.end) for s in large_line.characters] == [("a", 0, 8), ("b", 16, 24)]


def test_an_empty_line_has_no_text_and_no_confidence(blocks: OnnxRecognizer) -> None:
    line = blocks.recognize([np.zeros((8, 32), np.uint8)])[0]
    assert (line.text, line.confidence, line.characters) == ("", 0.0, ())


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((8, 8, 4), np.uint8), r"image 2 of 2 has shape \(8, 8, 4\)"),  # alpha
        (np.zeros((8, 8), np.float32), "type float32"),
        (np.zeros((8, 0), np.uint8), "image 2 of 2 is empty: 8 x 0 px"),
        (np.zeros(8, np.uint8), r"has shape \(8,\)"),
    ],
)
def test_what_is_no_image_is_named(blocks: OnnxRecognizer, image: Image, message: str) -> None:
    with pytest.raises(InputError, match=message):
        blocks.recognize([np.zeros((8, 8), np.uint8), image])


def test_a_graph_that_does_not_fit_its_manifest_is_refused(block_onnx: Path) -> None:
    manifest = find_model(block_onnx).manifest
    with pytest.raises(
        InputError, match=r"the output has shape .*5\) but its manifest needs \(any, any, 4\)"
    ):
        OnnxRecognizer(manifest.model_copy(update={"symbols": ("a", "b", "c")}), block_onnx)
    taller = manifest.model_copy(update={"preprocess": PreprocessSpec(channels="gray", height=48)})
    with pytest.raises(InputError, match=r"the input has shape .* needs \(any, 1, 48, any\)"):
        OnnxRecognizer(taller, block_onnx)


def test_a_bundle_without_onnx_says_how_to_make_it(block_onnx: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no .*model\.onnx; make it with `ocrtune export"):
        OnnxRecognizer(find_model(block_onnx).manifest, tmp_path / "model.onnx")


def test_a_graph_that_gives_other_classes_than_its_manifest_has_is_refused(
    block_onnx: Path, tmp_path: Path
) -> None:
    """Here the classes are the input's width, so nothing can be told before the first run."""
    import onnx
    from onnx import helper

    free = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["N", "T", "C"])
    image = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["N", 1, 8, "W"])
    node = helper.make_node("ReduceMean", ["x"], ["y"], axes=[1], keepdims=0)
    graph = helper.make_graph([node], "mean", [image], [free])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "free.onnx")
    recognizer = OnnxRecognizer(find_model(block_onnx).manifest, tmp_path / "free.onnx")
    with pytest.raises(InputError, match=r"gives \(1, 8, 32\) for 1 lines of 5 classes"):
        recognizer.recognize([np.zeros((8, 32), np.uint8)])
