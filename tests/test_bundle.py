"""Bundles: written whole or not at all, opened with limits, verified file by file."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ocrtune import bundle as bundle_module
from ocrtune.bundle import (
    MANIFEST_LIMIT,
    Architecture,
    Manifest,
    ModelBundle,
    file_digest,
    replace_directory,
    write_bundle,
)
from ocrtune.charset import Charset
from ocrtune.decoding import ClassLayout
from ocrtune.errors import InputError
from ocrtune.preprocess import PreprocessSpec

Change = Callable[[dict[str, Any]], object]

WEIGHTS = {
    "head.weight": np.arange(6, dtype=np.float32).reshape(3, 2),
    "head.bias": np.array([1, -2, 3], np.float32),
    "steps": np.array(7, np.int64),
}


def manifest(name: str = "receipts", **changes: Any) -> Manifest:
    fields: dict[str, Any] = {
        "architecture": Architecture(name="crnn", options={"hidden": 32}),
        "symbols": ("a", "ø"),
        "preprocess": PreprocessSpec(height=32),
        "licence": "Apache-2.0",
        "origin": "made by the tests",
        "metrics": {"val": {"cer": 0.1 + 0.2}},  # 0.30000000000000004: every digit counts
    }
    return Manifest(name=name, **{**fields, **changes})


def contents(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


@pytest.fixture
def bundle(tmp_path: Path) -> ModelBundle:
    """A bundle with an ONNX file (not a real one), alone in its folder."""
    onnx = tmp_path / "exported.onnx"
    onnx.write_bytes(b"onnx")
    return write_bundle(tmp_path / "run" / "best", manifest(), WEIGHTS, onnx)


def test_what_is_written_is_read(bundle: ModelBundle, tmp_path: Path) -> None:
    again = ModelBundle.open(bundle.path)
    assert again == bundle
    assert again.manifest == manifest(files=again.manifest.files)
    assert again.manifest.charset == Charset("aø")
    assert again.manifest.layout == ClassLayout("ctc")
    assert again.onnx_path.read_bytes() == b"onnx"
    weights = again.load_weights()
    assert weights.keys() == WEIGHTS.keys()
    for name, array in WEIGHTS.items():
        assert weights[name].dtype == array.dtype
        assert np.array_equal(weights[name], array)
    again.verify()
    # The export was moved in, and no staging folder is left.
    assert sorted(p.name for p in tmp_path.rglob("*")) == sorted(
        ["run", "best", "model.json", "model.onnx", "weights.safetensors"]
    )


def test_the_manifest_names_every_file_by_its_hash(bundle: ModelBundle) -> None:
    files = bundle.manifest.files
    assert sorted(files) == ["model.onnx", "weights.safetensors"]
    assert files["model.onnx"] == hashlib.sha256(b"onnx").hexdigest()
    assert files["weights.safetensors"] == file_digest(bundle.path / "weights.safetensors")


def test_a_bundle_without_onnx_is_complete(tmp_path: Path) -> None:
    written = write_bundle(tmp_path / "best", manifest(), WEIGHTS, None)
    assert sorted(written.manifest.files) == ["weights.safetensors"]
    written.verify()


def test_weights_that_are_views_are_written_as_they_read(tmp_path: Path) -> None:
    """Safetensors writes the memory of an array: a transposed view must be laid out anew first."""
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    written = write_bundle(tmp_path / "best", manifest(), {"w": array.T}, None)
    assert written.load_weights()["w"].tolist() == [[0, 3], [1, 4], [2, 5]]


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_others_may_read_a_bundle(bundle: ModelBundle) -> None:
    """mkdtemp gives its folder to its owner alone; a server runs as somebody else."""
    assert bundle.path.stat().st_mode & 0o777 == 0o755


def test_a_new_bundle_replaces_all_of_the_old(bundle: ModelBundle) -> None:
    (bundle.path / "notes.txt").write_text("old")
    write_bundle(bundle.path, manifest("newer"), {"w": np.zeros(1, np.float32)}, None)
    assert ModelBundle.open(bundle.path).manifest.name == "newer"
    assert sorted(contents(bundle.path.parent)) == ["best/model.json", "best/weights.safetensors"]


def _refuse(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("there_before", [True, False])
@pytest.mark.parametrize(
    ("owner", "function"),
    [
        # The disk fills up while the weights are written, while hashes are taken, while syncing …
        (bundle_module, "save_file"),
        (bundle_module, "file_digest"),
        (os, "fsync"),
        # … and the last step fails: the old bundle, already set aside, comes back.
        (Path, "chmod"),
    ],
)
def test_a_full_disk_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: Any, function: str, there_before: bool
) -> None:
    path = tmp_path / "best"
    if there_before:
        write_bundle(path, manifest(), WEIGHTS, None)
    before = contents(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(owner, function, _refuse)
        with pytest.raises(InputError) as caught:
            write_bundle(path, manifest("newer"), WEIGHTS, None)
    assert str(caught.value) == (
        f"cannot write the bundle {path}: [Errno 28] No space left on device; free space and run again"
    )
    assert contents(tmp_path) == before
    assert [p.name for p in tmp_path.iterdir()] == (["best"] if there_before else [])


def test_an_interrupted_write_leaves_the_old_bundle(
    bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl+C is not an error of the disk: it goes on as itself, and the staging folder goes."""

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    before = contents(bundle.path.parent)
    monkeypatch.setattr(bundle_module, "save_file", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_bundle(bundle.path, manifest("newer"), WEIGHTS, None)
    assert contents(bundle.path.parent) == before
    assert [p.name for p in bundle.path.parent.iterdir()] == ["best"]


def test_a_file_where_the_folder_should_be_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(InputError, match=r"cannot write the bundle .*best: .*; choose another folder"):
        write_bundle(tmp_path / "run" / "best", manifest(), WEIGHTS, None)
    assert contents(tmp_path) == {"run": b"a file"}


def _folder(path: Path, text: str) -> Path:
    path.mkdir()
    (path / "f").write_text(text)
    return path


@pytest.fixture
def staging_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished folder that cannot be renamed: on Windows, a virus scanner that reads it is enough."""
    staging = _folder(tmp_path / "staging", "new")
    rename = Path.rename

    def refuse_for_staging(self: Path, target: Path) -> Path:
        if self == staging:
            raise PermissionError(errno.EACCES, "in use")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse_for_staging)
    return staging


def test_the_old_folder_comes_back_when_the_new_one_cannot_move_in(
    tmp_path: Path, staging_in_use: Path
) -> None:
    path = _folder(tmp_path / "best", "old")
    with pytest.raises(PermissionError):
        replace_directory(staging_in_use, path)
    assert contents(tmp_path) == {"best/f": b"old", "staging/f": b"new"}


def test_what_a_crash_set_aside_is_not_deleted_before_there_is_something_better(
    tmp_path: Path, staging_in_use: Path
) -> None:
    """Killed between the two renames, a run leaves its only bundle under the dotted name."""
    _folder(tmp_path / ".best-old", "left by the crash")
    with pytest.raises(PermissionError):
        replace_directory(staging_in_use, tmp_path / "best")
    assert contents(tmp_path) == {"best/f": b"left by the crash", "staging/f": b"new"}


def test_what_a_crash_set_aside_goes_once_the_new_folder_stands(tmp_path: Path) -> None:
    _folder(tmp_path / ".best-old", "left by the crash")
    replace_directory(_folder(tmp_path / "staging", "new"), tmp_path / "best")
    assert contents(tmp_path) == {"best/f": b"new"}
    assert [p.name for p in tmp_path.iterdir()] == ["best"]


def test_files_are_synced_through_a_handle_that_may_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows refuses to sync a file opened for reading, which once made every save fail there."""
    modes = []
    opened = Path.open

    def note(self: Path, mode: str = "r", *rest: Any, **options: Any) -> Any:
        modes.append(mode)
        return opened(self, mode, *rest, **options)

    staging = _folder(tmp_path / "staging", "new")
    monkeypatch.setattr(Path, "open", note)
    replace_directory(staging, tmp_path / "best")
    assert modes == ["r+b"]


def _rewrite(bundle: ModelBundle, change: Change) -> None:
    path = bundle.path / "model.json"
    fields = json.loads(path.read_bytes())
    change(fields)
    path.write_text(json.dumps(fields), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(format_version=2), "format_version: Input should be 1"),
        (lambda m: m.update(classes="transducer"), "classes: Input should be 'ctc' or 'attention'"),
        (lambda m: m.pop("symbols"), "symbols: Field required"),
        (lambda m: m.update(symbols=["a", "b", "a"]), "a charset holds 'a' more than once"),
        (lambda m: m.update(symbols=["a", ""]), "a charset holds an empty symbol; remove the empty line"),
        (lambda m: m.update(symbols=[1]), "symbols.0: Input should be a valid string"),
        (
            lambda m: m.update(normal_form="nfc"),
            "normal_form: Input should be 'NFC', 'NFD', 'NFKC' or 'NFKD'",
        ),
        (lambda m: m["preprocess"].update(height=0), "preprocess.height: Input should be greater than"),
        (
            lambda m: m["preprocess"].update(width_buckets=[64, 32]),
            "preprocess.width_buckets: Value error, width buckets must be positive and ascending",
        ),
        # A key of a version to come, or a typing error: never ignored.
        (lambda m: m.update(symbol=[]), "symbol: Extra inputs are not permitted"),
        # Options rebuild a network: numbers and names, nothing that nests.
        (lambda m: m["architecture"]["options"].update(hidden={}), "architecture.options.hidden"),
    ],
)
def test_a_manifest_that_is_not_valid(bundle: ModelBundle, change: Change, message: str) -> None:
    _rewrite(bundle, change)
    with pytest.raises(InputError) as caught:
        ModelBundle.open(bundle.path)
    where = bundle.path / "model.json"
    assert str(caught.value).startswith(f"{where} is not a valid model manifest: {message}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b'{"format_version": 1',
        b"\xff\xfe",
        # Deep nesting must not exhaust the stack.
        b"[" * 1_000_000,
        b'{"name": "\\ud800"}',
    ],
)
def test_a_manifest_that_is_not_a_json_object(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.json").write_bytes(content)
    with pytest.raises(InputError, match=r"model\.json is not a valid model manifest: "):
        ModelBundle.open(tmp_path)


@pytest.mark.parametrize(("excess", "refused"), [(1, "is over 16 MiB: not a manifest"), (0, "not a valid")])
def test_a_manifest_over_the_limit_is_not_read(tmp_path: Path, excess: int, refused: str) -> None:
    with (tmp_path / "model.json").open("wb") as file:
        file.truncate(MANIFEST_LIMIT + excess)
    with pytest.raises(InputError, match=refused):
        ModelBundle.open(tmp_path)


@pytest.mark.parametrize(
    "make",
    [
        lambda path: None,
        Path.mkdir,
        # A file in the folder's place, a folder in the manifest's.
        Path.touch,
        lambda path: (path / "model.json").mkdir(parents=True),
    ],
)
def test_a_folder_without_a_manifest(tmp_path: Path, make: Callable[[Path], object]) -> None:
    path = tmp_path / "best"
    make(path)
    with pytest.raises(InputError) as caught:
        ModelBundle.open(path)
    assert str(caught.value) == (
        f"{path} is not a model bundle: no readable model.json in it; "
        "give a run folder, a bundle or an ONNX file"
    )


@pytest.mark.parametrize("name", ["weights.safetensors", "model.onnx"])
def test_verify_names_the_file_that_is_missing_or_changed(bundle: ModelBundle, name: str) -> None:
    file = bundle.path / name
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(InputError) as caught:
        bundle.verify()
    assert str(caught.value) == (
        f"{file} is damaged: its content is not what model.json recorded; restore it or train again"
    )

    file.unlink()
    with pytest.raises(InputError) as caught:
        bundle.verify()
    assert str(caught.value) == f"{bundle.path} is incomplete: {name} is missing; restore or train again"


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "..", ".", "", "sub/f", "a\0b"])
def test_verify_looks_at_nothing_outside_the_bundle(bundle: ModelBundle, name: str) -> None:
    """A manifest that names a file elsewhere, with its right hash, does not learn that it is there."""
    secret = bundle.path.parent / "secret"
    secret.write_bytes(b"x")
    (bundle.path / "sub").mkdir()
    (bundle.path / "sub" / "f").write_bytes(b"x")
    _rewrite(bundle, lambda m: m.update(files={name: hashlib.sha256(b"x").hexdigest()}))
    with pytest.raises(InputError, match=r"is incomplete: .* is missing"):
        ModelBundle.open(bundle.path).verify()


def _tensor_file(dtype: str, offsets: tuple[int, int], content: bytes) -> bytes:
    header = json.dumps({"w": {"dtype": dtype, "shape": [1], "data_offsets": offsets}}).encode()
    return struct.pack("<Q", len(header)) + header + content


@pytest.mark.parametrize(
    "content",
    [
        b"",
        # A pickle, as torch.save writes: never executed, not even looked at.
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04exit\x85R.",
        # A header that claims 2^63 bytes, one that is no JSON, data beyond the end of the file.
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 2) + b"{{",
        _tensor_file("F32", (0, 4), b"\0"),
        # A sound file of a type that numpy does not have. (It has bfloat16 once ml_dtypes is imported.)
        _tensor_file("F8_E4M3", (0, 1), b"\0"),
        None,
    ],
)
def test_weights_that_cannot_be_read(bundle: ModelBundle, content: bytes | None) -> None:
    path = bundle.path / "weights.safetensors"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        bundle.load_weights()
    assert str(caught.value).startswith(f"cannot read {path}: ")


def test_the_digest_names_the_model_and_its_weights() -> None:
    digest = manifest().digest
    assert digest == manifest().digest
    assert Manifest.from_json(manifest().model_dump_json(), "here").digest == digest
    others = [
        manifest("other"),
        manifest(symbols=("ø", "a")),
        manifest(files={"weights.safetensors": "0"}),
        manifest(metrics={}),
    ]
    assert len({digest, *(m.digest for m in others)}) == 5
