"""What a stranger hands us: every command says in one line what, where and what to do, and leaves nothing."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from ocrtune.bundle import ModelBundle
from ocrtune.cli import main

pytest.importorskip("torch", reason="train and export need torch")


@pytest.fixture
def desk(tmp_path: Path, block_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, full of traps beside twelve good lines in `good` and a model in `run`."""
    import onnx
    from onnx import helper

    monkeypatch.chdir(tmp_path)
    for name, count in {"good": 12, "three": 3}.items():
        write_lines(Path(name), count)
    for name, labels in {"empty": "", "unseparated": "0.png\n1.png\n"}.items():
        Path(name).mkdir()
        Path(name, "labels.txt").write_text(labels, encoding="utf-8")
    Path("twice.txt").write_text("a\nb\na\n", encoding="utf-8")
    Path("junk.onnx").write_text("not a graph", encoding="utf-8")
    values = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["N"]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "foreign", values[:1], values[1:])
    foreign = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(foreign, "foreign.onnx")
    return tmp_path


def write_lines(folder: Path, count: int) -> None:
    """A dataset of blank lines labelled "a"."""
    folder.mkdir()
    for number in range(count):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((32, 80), 200 + number, np.uint8))
    rows = "".join(f"{number}.png\ta\n" for number in range(count))
    (folder / "labels.txt").write_text(rows, encoding="utf-8")


def everything(folder: Path) -> dict[str, bytes | None]:
    """All paths below a folder, dotted ones too, and what the files hold."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def refuse(desk: Path, capsys: pytest.CaptureFixture[str], arguments: str, code: int = 2) -> str:
    """Run a command that must fail, and give its one line of error."""
    before = everything(desk)
    assert main(arguments.split()) == code
    captured = capsys.readouterr()
    errors = [line for line in captured.err.splitlines() if line.startswith("ocrtune: error: ")]
    assert captured.err.splitlines()[-1:] == errors, captured.err  # what comes before are notes
    assert "Traceback" not in captured.out + captured.err
    assert everything(desk) == before
    return errors[0].removeprefix("ocrtune: error: ")


TRAIN = "train --train good -o new"

MISSING = [
    # a dataset: the format that is wanted
    ("train --train nope -o new", "there is no nope; give a label file, a folder with labels.txt or an LMDB"),
    (f"{TRAIN} --val nope", "there is no nope; give a label file"),
    ("eval run --data nope", "there is no nope; give a label file"),
    ("export ppocrv6-small --to onnx -o new.onnx --data nope", "there is no nope; give a label file"),
    ("data pack nope -o new", "there is no nope; give a label file"),
    # a model: what counts as one
    (f"{TRAIN} --base nope", "there is no model 'nope': give 'ppocrv6-small', a run folder, a bundle or an"),
    ("eval nope --data good", "there is no model 'nope': give"),
    ("read --lines good -m nope", "there is no model 'nope': give"),
    ("export nope --to onnx -o new.onnx", "there is no model 'nope': give"),
    ("info nope", "there is no model 'nope': give"),
    # other paths
    ("read --lines nope.png", "there is no nope.png; give an image or a folder of images"),
    (
        f"{TRAIN} --vocab nope",
        "cannot read the charset file nope: No such file or directory; give one with a",
    ),
    (f"{TRAIN} --images nope", "--images nope is not a folder; give the one"),
    ("train --resume -o nope", "nope holds no run to resume; leave --resume out to start one"),
]

LABELS = [
    (command.replace("LINES", lines), message)
    for command in (
        "train --train LINES -o new",
        f"{TRAIN} --val LINES",
        "eval run --data LINES",
        "export ppocrv6-small --to onnx -o new.onnx --data LINES",
        "data pack LINES -o new",
    )
    for lines, message in {
        "empty": "empty/labels.txt is empty; write one `path<TAB>text` per line",
        "unseparated": "unseparated/labels.txt:1: neither a TAB nor a space between image path and text, "
        "and in no other line; write one `path<TAB>text` per line",
    }.items()
]

MODELS = [
    (command.replace("MODEL", model), message)
    for command in (
        f"{TRAIN} --base MODEL",
        "eval MODEL --data good",
        "read --lines good -m MODEL",
        "export MODEL --to onnx -o new.onnx",
        "info MODEL",
    )
    for model, message in {
        "junk.onnx": "junk.onnx is not an ONNX file that can be loaded: ",
        "foreign.onnx": "foreign.onnx is an ONNX file without ocrtune's description of its symbols; "
        "give a file that `ocrtune export` wrote",
        "good": "good is not a model bundle: no readable model.json in it; give a run folder, a bundle or",
    }.items()
]

OTHERS = [
    ("train --train three -o new", "three has 3 usable lines; at least 10 are needed to train; add labelled"),
    ("train --train three --val good -o new", "three has 3 usable lines; at least 10 are needed to train"),
    (f"{TRAIN} --vocab twice.txt", "twice.txt: 'a' stands in line 1 and again in line 3; remove one"),
    (f"{TRAIN} --epochs 0", "--epochs 0: input should be greater than or equal to 1"),
    (f"{TRAIN} --seed 9223372036854775808", "--seed 9223372036854775808: input should be less than"),
    (f"{TRAIN} --val good@2", "--val good@2: a weight means nothing when measuring; leave it out"),
    ("train --train good -o good", "good is not empty and not a run; name another folder with -o"),
    ("train --train good -o twice.txt", "-o twice.txt is a file; name a folder for the run"),
    ("eval run --data good --json twice.txt", "twice.txt exists already; choose another name or add"),
    ("read --lines empty", "empty holds no images (.bmp"),
]


@pytest.mark.parametrize(("arguments", "message"), [*MISSING, *LABELS, *MODELS, *OTHERS])
def test_what_where_and_what_to_do(
    desk: Path, capsys: pytest.CaptureFixture[str], arguments: str, message: str
) -> None:
    assert refuse(desk, capsys, arguments).startswith(message)


@pytest.mark.parametrize(
    "arguments",
    [
        f"{TRAIN} --base run",
        "eval run --data good",
        "read --lines good -m run",
        "export run --to onnx -o new.onnx",
        "info run",
    ],
)
@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        (
            "model.onnx",
            b"cut",
            "is damaged: its content is not what model.json recorded; restore it or train",
        ),
        ("model.onnx", None, "is incomplete: model.onnx is missing; restore or train again"),
        ("weights.safetensors", b"", "is damaged: its content is not what model.json recorded; restore it"),
        ("model.json", b'{"name": ', "is not a valid model manifest: the document: Invalid JSON"),
        ("model.json", b"\xff" * 9, "is not a valid model manifest: the document: Invalid JSON"),
        ("model.json", None, "is not a model bundle: no readable model.json in it; give a run folder"),
    ],
)
def test_a_corrupt_best_is_named_by_every_command(
    desk: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: str,
    file: str,
    content: bytes | None,
    message: str,
) -> None:
    path = Path("run", "best", file)
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    error = refuse(desk, capsys, arguments)
    assert error.startswith(str(Path("run", "best")))
    assert message in error


# --- a full disk ---


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Call it, and from then on nothing reaches the disk: files can be made, but not filled."""

    def refuse_sync(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    return lambda: monkeypatch.setattr(os, "fsync", refuse_sync)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            "eval run --data lines --json new.json",
            "cannot write new.json: No space left on device; free space",
        ),
        (
            "read --lines lines -m run --csv new.csv",
            "cannot write new.csv: No space left on device; free space",
        ),
        ("data pack lines -o new", "new"),
    ],
)
def test_a_full_disk_leaves_no_half_of_a_result(
    desk: Path,
    block_lines: Path,
    capsys: pytest.CaptureFixture[str],
    full_disk: Callable[[], None],
    arguments: str,
    message: str,
) -> None:
    full_disk()
    error = refuse(desk, capsys, arguments)
    assert message in error
    assert "No space left on device" in error
