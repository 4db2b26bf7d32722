"""The commands from the outside: what they print, write and exit with."""

from __future__ import annotations

import csv
import errno
import json
import re
import signal
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest

import ocrtune.api
from ocrtune.bundle import Architecture, ModelBundle
from ocrtune.cli import app, main
from ocrtune.config import TrainConfig
from ocrtune.reading.describe import describe
from ocrtune.reading.models import FoundModel


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs `ocrtune ARGUMENTS`: exit code, stdout, stderr."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


Run = Callable[..., tuple[int, str, str]]


def test_help_names_every_command(run: Run) -> None:
    code, out, _ = run("--help")
    assert code == 0
    for command in ("quickstart", "data", "train", "eval", "read", "export", "models", "info"):
        assert re.search(rf"^│ {command} ", out, re.MULTILINE), command


def test_version_is_the_packages(run: Run) -> None:
    assert run("--version") == (0, f"{version('ocrtune')}\n", "")


def test_models_lists_the_base(run: Run) -> None:
    code, out, _ = run("models")
    assert code == 0
    assert out.startswith("ppocrv6-small\t18,709 symbols\t20 MiB\tApache-2.0\n")


def test_info_says_what_a_model_is(run: Run, block_bundle: ModelBundle) -> None:
    code, out, _ = run("info", block_bundle.path.parent)
    rows = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in out.splitlines())
    assert code == 0
    assert rows["Name"] == "blocks"
    assert rows["Symbols"] == "4, NFC"
    assert rows["Preprocess"] == "8 px high, 32 to 128 px wide, gray, area, stretch 1"
    assert rows["Licence"] == "CC0-1.0"
    assert rows["Files"] == "model.onnx, weights.safetensors (verified)"
    assert rows["Digest"] == block_bundle.manifest.digest


def test_info_counts_the_letters_that_are_read_in_either_case(block_bundle: ModelBundle) -> None:
    architecture = Architecture(name="crnn", options={"hidden": 8, "second_looks": (1, 2)})
    manifest = block_bundle.manifest.model_copy(update={"architecture": architecture})
    rows = dict(describe(FoundModel(manifest, block_bundle.onnx_path)))
    assert rows["Architecture"] == "crnn (hidden=8)"
    assert rows["Symbols"] == "4, NFC; 2 letters read in either case"


# --- read ---


def test_read_prints_path_text_and_confidence(run: Run, block_onnx: Path, block_lines: Path) -> None:
    code, out, err = run("read", block_lines, "-m", block_onnx, "--lines")
    rows = [line.split("\t") for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert rows == [
        [str(block_lines / name), text, "1.000"]
        for name, text in (("0.png", "abc"), ("1.png", "a b"), ("2.png", "bab"), ("3.png", "c"))
    ]


def test_read_writes_json_to_stdout_and_csv_to_a_file(
    run: Run, block_onnx: Path, block_lines: Path, tmp_path: Path
) -> None:
    image, table = block_lines / "0.png", tmp_path / "out.csv"
    code, out, _ = run("read", image, "-m", block_onnx, "--lines", "--json", "--csv", table)
    assert code == 0
    (reading,) = json.loads(out)
    assert (reading["path"], reading["text"]) == (str(image), "abc")
    assert [(span["symbol"], span["start"]) for span in reading["characters"]] == [
        ("a", 0), ("b", 8), ("c", 16),
    ]  # fmt: skip
    with table.open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["path", "text", "confidence", "error"],
            [str(image), "abc", "1.0000", ""],
        ]
    before = table.read_bytes()
    assert run("read", image, "-m", block_onnx, "--lines", "--csv", table) == (
        2, "", f"ocrtune: error: {table} exists already; choose another name or add --overwrite\n",
    )  # fmt: skip
    assert table.read_bytes() == before
    assert run("read", image, "-m", block_onnx, "--lines", "--csv", table, "--overwrite")[0] == 0


def test_read_reports_a_broken_image_and_reads_the_others(
    run: Run, block_onnx: Path, block_lines: Path
) -> None:
    (block_lines / "1.png").write_bytes(b"no image")
    code, out, err = run("read", block_lines, "-m", block_onnx, "--lines")
    assert code == 2
    assert [line.split("\t")[1] for line in out.splitlines()] == ["abc", "bab", "c"]
    assert re.fullmatch(r"ocrtune: error: .*1\.png: broken image: .*\n", err)


def test_a_file_name_cannot_forge_a_row(run: Run, block_onnx: Path, block_lines: Path) -> None:
    evil = block_lines / "x\ty\x1b[2J.png"
    (block_lines / "0.png").rename(evil)
    _, out, _ = run("read", evil, "-m", block_onnx, "--lines")
    assert out == f"{block_lines}/x\\ty\\x1b[2J.png\tabc\t1.000\n"


# --- eval ---


def test_eval_prints_the_figures_and_writes_them(
    run: Run, block_bundle: ModelBundle, block_lines: Path, tmp_path: Path
) -> None:
    code, out, err = run(
        "eval", block_bundle.path.parent, "--data", block_lines, "--json", tmp_path / "figures.json"
    )  # fmt: skip
    assert code == 0
    assert out.splitlines()[1:5] == [
        "Accuracy (exact match): 75.00%",
        "Accuracy without spaces: 75.00%",
        "Average CER: 10.00%",
        "WER: 20.00%",
    ]
    assert re.search(r"^Inference Time: \d+\.\d ms per line$", out, re.MULTILINE)
    assert "Weakest symbols (read/in all): c 2/3" in out
    assert err.startswith(f"{block_lines / 'labels.txt'}: 4 lines as `path<TAB>text`")
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert {key: figures[key] for key in ("lines", "exact_match", "exact_match_no_space", "cer", "wer")} == {
        "lines": 4,
        "exact_match": 0.75,
        "exact_match_no_space": 0.75,
        "cer": 0.1,
        "wer": 0.2,
    }
    assert figures["symbols"]["c"]["recall"] == pytest.approx(2 / 3)
    assert figures["ms_per_line"] > 0


def test_eval_fails_above_max_cer(run: Run, block_onnx: Path, block_lines: Path) -> None:
    evaluation = ("eval", block_onnx, "--data", block_lines, "--max-cer")
    assert run(*evaluation, "0.1")[0] == 0
    code, out, err = run(*evaluation, "0.09")
    assert code == 1
    assert "Average CER: 10.00%" in out
    assert err.endswith("ocrtune: error: the average CER is 0.1000, above --max-cer 0.09\n")


# --- data pack ---


def test_a_packed_dataset_measures_the_same(
    run: Run, block_onnx: Path, block_lines: Path, tmp_path: Path
) -> None:
    (block_lines / "3.png").write_bytes(b"broken")
    code, out, _ = run("data", "pack", block_lines, "-o", tmp_path / "packed")
    assert code == 0
    assert out.splitlines()[0] == f"3 lines in {tmp_path / 'packed'}"
    assert out.splitlines()[1].startswith("Left out: 1 broken image; the first: ")
    _, out, _ = run("eval", block_onnx, "--data", tmp_path / "packed")
    assert "Accuracy (exact match): 66.67%" in out


# --- what goes wrong ---


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["frob"], 'Unknown command "frob"'),
        (["read", "--line", "x.png"], "Unknown option: --line. Did you mean --lines?"),
        (["read", "nope.png", "--lines"], "there is no nope.png"),
        (["eval", "--max-cer", "0.1"], "--data"),
        (["eval", "--data", "x", "--max-cer", "low"], '--max-cer: unable to convert "low"'),
        (["eval", "nope", "--data", "x"], "there is no model 'nope'"),
        (["eval", "--data", "nope"], "there is no nope"),
        (["info", "nope"], "there is no model 'nope'"),
        (["data", "pack", "-o", "x"], "data pack needs labelled lines"),
        (["train", "-o", "x"], "--train is missing"),
        (["train", "--train", "x", "-o", "y", "--epochs", "0"], "--epochs 0: input should be greater than"),
        (["train", "--train", "x", "-o", "y", "--batch-size", "0"], "--batch-size 0: give a number of lines"),
        (["train", "--train", "x", "-o", "y", "--epochs", "many"], "--epochs many: input should be a valid"),
        (["train", "--train", "x", "-o", "y", "--augment", "heavy"], "--augment heavy: input should be"),
        (
            ["train", "--train", "x", "-o", "y", "--time-stride", "5"],
            "--time-stride 5: input should be 4 or 8",
        ),
        (["train", "--train", "x", "-o", "y", "--val-every", "0"], "--val-every 0: "),  # as it is typed
        (["train", "--train", "x", "-o", "y", "--epochs", "1", "--steps", "1"], "--epochs and --steps"),
        (["export", "m", "--to", "gguf", "-o", "x"], 'Invalid value "gguf" for --to'),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: Sequence[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("ocrtune: error: ")
    assert err.count("\n") == 1
    assert message in err
    assert list(tmp_path.iterdir()) == []


def raising(error: BaseException) -> Callable[..., None]:
    def handler(*_: object) -> None:
        raise error

    return handler


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (
            OSError(errno.ENOSPC, "No space left on device", "run/best"),
            2,
            "No space left on device (run/best)",
        ),
        (PermissionError(errno.EACCES, "Permission denied"), 2, "Permission denied; free space or choose"),
    ],
)
def test_an_expected_failure_of_the_surroundings_is_one_line(
    run: Run,
    block_lines: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
    message: str,
) -> None:
    monkeypatch.setattr(ocrtune.api, "load", raising(error))
    result, _, err = run("read", block_lines, "--lines")
    assert result == code
    assert err.startswith(f"ocrtune: error: {message}")
    assert err.count("\n") == 1


@pytest.mark.parametrize("error", [ZeroDivisionError("a defect"), OSError(errno.EBADF, "Bad file")])
def test_a_defect_keeps_its_traceback(
    block_lines: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(ocrtune.api, "load", raising(error))
    with pytest.raises(type(error), match=r"defect|Bad file"):
        main(["read", str(block_lines), "--lines"])


def test_every_option_has_help() -> None:
    """A flag without a word of help is a flag nobody dares to use."""
    for name in ("eval", "read", "info", "train", "export", "quickstart"):
        for argument in app[name].assemble_argument_collection(parse_docstring=True):
            if argument.parse and not argument.children:
                assert argument.parameter.help, f"{name} {argument.name}"


# --- train ---


def test_train_resumes_without_its_data_and_tells_when_it_was_stopped(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run to resume knows its own lines; one that a signal ended exits as shells expect."""
    stage = pytest.importorskip("ocrtune.train.run", reason="training needs torch")
    calls = []

    def fake(config: TrainConfig, *, resume: bool) -> SimpleNamespace:
        calls.append((config.model_dump(exclude_unset=True), resume))
        return SimpleNamespace(stopped=None if resume else signals.pop())

    signals = [signal.SIGTERM, signal.SIGINT]
    monkeypatch.setattr(stage, "train", fake)
    assert run("train", "--train", "a@2", "b", "-o", "x", "--epochs", "3", "--time-stride", "4")[0] == 130
    assert run("train", "-o", "x", "--resume")[0] == 0
    assert run("train", "--train", "a", "-o", "x", "--batch-size", "auto")[0] == 143
    assert calls == [
        ({"train": ("a@2", "b"), "output": Path("x"), "epochs": 3, "time_stride": 4}, False),
        ({"output": Path("x")}, True),
        ({"train": ("a",), "output": Path("x"), "batch_size": "auto"}, False),
    ]
