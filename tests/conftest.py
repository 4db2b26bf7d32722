"""Fixtures shared by all tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import hypothesis
import numpy as np
import PIL.Image
import pytest
from PIL import ImageDraw, ImageFont

import ocrtune
from ocrtune.api import Reader
from ocrtune.bundle import ONNX_METADATA_KEY, Architecture, Manifest, ModelBundle, write_bundle
from ocrtune.preprocess import PreprocessSpec
from ocrtune.records import Image

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

SHARED = Path(__file__).resolve().parents[2] / "shared"

BLOCK_LEVELS = {"a": 60, "b": 120, "c": 180, " ": 240}
"""Grey level that stands for a symbol in the images of `draw_blocks`; 0 is the CTC blank."""

TEXT_PAGE = ("Harbour office, Bergen", "Invoice 2024-0187", "Total 1,204.50 EUR")
"""Lines of the page that `text_page` draws; the base reads them without a mistake."""


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real lines and reference tensors beside the checkout, where there is one."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the real lines in {SHARED}, which is not part of the project")
    return SHARED


@pytest.fixture(scope="session")
def draw_blocks() -> Callable[[str], Image]:
    """Draws a text that the block model reads: a 4 x 8 px block of grey per symbol, black between."""

    def draw(text: str) -> Image:
        levels = [level for symbol in text for level in (BLOCK_LEVELS[symbol], 0)]
        return np.repeat(np.array(levels, np.uint8)[None].repeat(8, axis=0), 4, axis=1)  # (8, 8 * symbols)

    return draw


@pytest.fixture(scope="session")
def block_onnx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ONNX file with our manifest whose "network" reads the images of `draw_blocks`.

    Its mean grey level over each 4 px step is compared with the level of every class.
    """
    import onnx
    from onnx import helper

    manifest = Manifest(
        name="blocks",
        architecture=Architecture(name="blocks"),
        symbols=tuple(BLOCK_LEVELS),
        preprocess=PreprocessSpec(
            height=8, width_buckets=(32, 64, 128), channels="gray", mean=0, std=1, padding=0
        ),
        licence="CC0-1.0",
        origin="made by the tests",
    )
    levels = np.array([0, *BLOCK_LEVELS.values()], np.float32)
    constants = {"levels": levels, "scale": np.array(-0.01, np.float32), "height": np.array([2], np.int64)}
    nodes = [
        helper.make_node("AveragePool", ["images"], ["means"], kernel_shape=[8, 4], strides=[8, 4]),
        helper.make_node("Squeeze", ["means", "height"], ["rows"]),  # (N, 1, T)
        helper.make_node("Transpose", ["rows"], ["steps"], perm=[0, 2, 1]),  # (N, T, 1)
        helper.make_node("Sub", ["steps", "levels"], ["differences"]),  # (N, T, C)
        helper.make_node("Mul", ["differences", "differences"], ["distances"]),
        helper.make_node("Mul", ["distances", "scale"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=2),
    ]
    graph = helper.make_graph(
        nodes,
        "blocks",
        [helper.make_tensor_value_info("images", onnx.TensorProto.FLOAT, ["N", 1, 8, "W"])],
        [helper.make_tensor_value_info("probabilities", onnx.TensorProto.FLOAT, ["N", "T", len(levels)])],
        [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {ONNX_METADATA_KEY: manifest.model_dump_json()})
    path = tmp_path_factory.mktemp("block-model") / "blocks.onnx"
    onnx.save(model, path)
    return path


@pytest.fixture
def block_bundle(block_onnx: Path, tmp_path: Path) -> ModelBundle:
    """The block model as the `best` of a run folder."""
    import onnx

    metadata = {entry.key: entry.value for entry in onnx.load(block_onnx).metadata_props}
    manifest = Manifest.from_json(metadata[ONNX_METADATA_KEY], "the block model")
    copy = tmp_path / "exported.onnx"
    copy.write_bytes(block_onnx.read_bytes())
    return write_bundle(tmp_path / "run" / "best", manifest, {"none": np.zeros(1, np.float32)}, copy)


@pytest.fixture
def block_lines(tmp_path: Path, draw_blocks: Callable[[str], Image]) -> Path:
    """A dataset of four lines; the block model misreads "bac" (labelled so, drawn "bab")."""
    folder = tmp_path / "lines"
    folder.mkdir()
    labels = {"0.png": ("abc", "abc"), "1.png": ("a b", "a b"), "2.png": ("bab", "bac"), "3.png": ("c", "c")}
    for name, (drawn, _) in labels.items():
        cv2.imwrite(str(folder / name), draw_blocks(drawn))
    rows = [f"{name}\t{label}\n" for name, (_, label) in labels.items()]
    (folder / "labels.txt").write_text("".join(rows), encoding="utf-8")
    return folder


DrawText = Callable[[tuple[int, int], list[tuple[int, int, str]]], Image]


@pytest.fixture(scope="session")
def draw_text() -> DrawText:
    """Draws texts on white paper: size of the page (W, H), and for each text x, y and what it says, px."""

    def draw(size: tuple[int, int], texts: list[tuple[int, int, str]]) -> Image:
        page = PIL.Image.new("RGB", size, "white")
        pen, font = ImageDraw.Draw(page), ImageFont.load_default(28)
        for x, y, text in texts:
            pen.text((x, y), text, fill="black", font=font)
        return np.asarray(page, np.uint8)

    return draw


@pytest.fixture(scope="session")
def text_page(draw_text: DrawText) -> Image:
    """A page with the three lines of `TEXT_PAGE`."""
    return draw_text((480, 240), [(30, 30 + 60 * i, text) for i, text in enumerate(TEXT_PAGE)])


@pytest.fixture(scope="session")
def base_reader() -> Reader:
    """Reads with the base, which comes with the installation."""
    return ocrtune.load()
