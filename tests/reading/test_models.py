"""What counts as a MODEL, and what each thing that is none is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ocrtune.bundle import MANIFEST_FILE, ONNX_FILE, ONNX_METADATA_KEY, ModelBundle
from ocrtune.errors import InputError
from ocrtune.reading.models import BASE, find_model, list_bases


def test_the_base_is_inside_the_installation() -> None:
    """18,708 symbols from the file's metadata and the space, which that list leaves out."""
    base = find_model()
    symbols = base.manifest.symbols
    assert base.manifest.name == "ppocrv6-small"
    assert (len(symbols), symbols[0], symbols[-1]) == (18_709, "!", " ")
    assert base.manifest.preprocess.height == 48
    assert base.manifest.preprocess.channels == "bgr"
    assert base.manifest.licence == "Apache-2.0"
    assert base.onnx_path.name == "PP-OCRv6_rec_small.onnx"
    assert base.bundle is None
    assert find_model(BASE) == base
    assert list_bases() == (base,)


def test_a_run_folder_a_bundle_and_an_onnx_file_are_the_same_model(
    block_bundle: ModelBundle, block_onnx: Path
) -> None:
    run = block_bundle.path.parent
    by_run, by_bundle, by_file = find_model(run), find_model(str(block_bundle.path)), find_model(block_onnx)
    assert by_run == by_bundle
    assert by_run.bundle == block_bundle
    assert by_run.onnx_path == block_bundle.path / ONNX_FILE
    assert by_file.manifest.symbols == by_run.manifest.symbols == ("a", "b", "c", " ")
    assert by_file.bundle is None


def test_a_missing_model_names_what_may_be_given(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no model 'nope': give 'ppocrv6-small', a run folder, a bundle"):
        find_model("nope")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty is not a model bundle: no readable model\.json"):
        find_model(tmp_path / "empty")


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        (MANIFEST_FILE, b"{", "model.json is not a valid model manifest: the document"),  # cut off
        (MANIFEST_FILE, b"{}", "model.json is not a valid model manifest: name: Field required"),
        (ONNX_FILE, b"changed", "model.onnx is damaged"),
        (ONNX_FILE, None, "is incomplete: model.onnx is missing"),
        ("weights.safetensors", b"", "weights.safetensors is damaged"),
    ],
)
def test_a_corrupt_best_is_refused(
    block_bundle: ModelBundle, file: str, content: bytes | None, message: str
) -> None:
    if content is None:
        (block_bundle.path / file).unlink()
    else:
        (block_bundle.path / file).write_bytes(content)
    with pytest.raises(InputError, match=re.escape(message)):
        find_model(block_bundle.path.parent)


def with_metadata(source: Path, target: Path, metadata: dict[str, str]) -> Path:
    """Copy an ONNX file with other metadata."""
    import onnx

    model = onnx.load(source)
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, metadata)
    onnx.save(model, target)
    return target


def test_a_foreign_onnx_file_is_told_from_ours(tmp_path: Path, block_onnx: Path) -> None:
    foreign = with_metadata(block_onnx, tmp_path / "foreign.onnx", {"author": "someone"})
    with pytest.raises(InputError, match=r"foreign\.onnx is an ONNX file without ocrtune's description"):
        find_model(foreign)
    # Another project may have used our key for something else.
    taken = with_metadata(block_onnx, tmp_path / "taken.onnx", {ONNX_METADATA_KEY: '{"epochs": 3}'})
    with pytest.raises(InputError, match=r"taken\.onnx is not a valid model manifest"):
        find_model(taken)


@pytest.mark.parametrize("kept", [0, 100, 0.5])  # empty; the start; half
def test_a_truncated_onnx_file_is_refused(tmp_path: Path, block_onnx: Path, kept: float) -> None:
    content = block_onnx.read_bytes()
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(content[: int(kept if kept > 1 else kept * len(content))])
    with pytest.raises(InputError, match=r"cut\.onnx is not an ONNX file that can be loaded: ") as raised:
        find_model(cut)
    assert "\n" not in str(raised.value)


def test_tensors_outside_the_onnx_file_are_never_read(tmp_path: Path, block_onnx: Path) -> None:
    """A file may name any other as its weights; even one in its own folder is not followed."""
    import onnx

    model = onnx.load(block_onnx)
    onnx.save(model, tmp_path / "m.onnx", save_as_external_data=True, size_threshold=0, location="w.bin")
    with pytest.raises(InputError, match=r"m\.onnx is not an ONNX file that can be loaded"):
        find_model(tmp_path / "m.onnx")
