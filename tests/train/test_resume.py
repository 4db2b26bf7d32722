"""What a run survives: full disks, kills between two steps, damaged state; and what resuming refuses."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ocrtune.bundle import ModelBundle
from ocrtune.cli import main
from ocrtune.config import TrainConfig
from ocrtune.errors import InputError
from ocrtune.records import Image
from ocrtune.train.averaging import WeightAverage
from ocrtune.train.run import train
from ocrtune.train.state import Position, load_state, save_state


def options(lines: Path, tiny: Path, output: Path) -> list[str]:
    """One short epoch of three batches."""
    return [
        *("train", "--train", str(lines), "--base", str(tiny), "-o", str(output)),
        *("--epochs", "1", "--batch-size", "2", "--lr", "1e-3", "--augment", "none"),
    ]


@pytest.fixture
def run(digit_lines: Path, tiny_base: Path, tmp_path: Path) -> Path:
    """A finished run."""
    assert main(options(digit_lines, tiny_base, tmp_path / "run")) == 0
    return tmp_path / "run"


def dotted(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob(".*")]


def steps(run: Path) -> list[int]:
    """Batches at which the run was validated."""
    return [json.loads(row)["step"] for row in (run / "metrics.jsonl").read_text().splitlines()]


# --- starting ---


@pytest.mark.slow
def test_lines_that_validate_and_train_are_a_warning_and_the_run_goes_on(
    digit_lines: Path, tiny_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = options(digit_lines, tiny_base, tmp_path / "run")
    assert main([*arguments, "--val", str(digit_lines)]) == 0
    assert (
        "Warning: 24 of 24 validation lines are training lines too: the score will look better than it is; "
        "give --val lines that are not in --train"
    ) in capsys.readouterr().out
    ModelBundle.open(tmp_path / "run/best").verify()


def test_overwriting_never_deletes_the_model_that_training_starts_from(
    digit_lines: Path, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The folder was emptied first; the base was missed only after that."""
    for base in (run, run / "last"):
        assert main([*options(digit_lines, base, run), "--overwrite"]) == 2
        assert f"--overwrite would delete --base {base}; name another folder" in capsys.readouterr().err
        ModelBundle.open(run / "best").verify()


@pytest.mark.slow
def test_all_steps_are_made_though_narrow_lines_share_batches(
    digit_lines: Path, tiny_base: Path, tmp_path: Path
) -> None:
    """--steps counted every batch as --batch-size lines, and ended when as many lines were visited."""
    config = TrainConfig(
        train=(str(digit_lines),), base=str(tiny_base), output=tmp_path / "run", steps=10, batch_size=2
    )
    train(config)
    assert steps(tmp_path / "run")[-1] == 10


# --- a full disk, a kill ---


@pytest.mark.slow
@pytest.mark.parametrize(
    "files_before",
    [
        0,  # skipped.tsv: nothing of the run is there yet
        4,  # the first bundle
        8,  # step 0 is saved as best, or just about to be
        20,  # in the first epoch's last or best
    ],
)
def test_a_full_disk_leaves_whole_bundles_and_the_run_goes_on_when_there_is_space(
    digit_lines: Path,
    tiny_base: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    files_before: int,
) -> None:
    written = 0

    def sync(_: int) -> None:
        nonlocal written
        written += 1
        if written > files_before:
            raise OSError(errno.ENOSPC, "No space left on device")

    run = tmp_path / "run"
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", sync)
        assert main(options(digit_lines, tiny_base, run)) == 2
    err = capsys.readouterr().err
    assert err.startswith("ocrtune: error: cannot ")
    assert "No space left on device" in err
    assert "; free space" in err
    assert err.count("\n") == 1
    assert dotted(run) == []
    for bundle in ("best", "last"):
        if (run / bundle).exists():
            ModelBundle.open(run / bundle).verify()
    again = ["--resume"] if (run / "state").exists() else ["--overwrite"]
    arguments = ["train", "-o", str(run)] if "--resume" in again else options(digit_lines, tiny_base, run)
    assert main([*arguments, *again]) == 0
    ModelBundle.open(run / "best").verify()


def test_a_kill_while_a_folder_is_replaced_is_mended(run: Path) -> None:
    """The old folder stood aside, the new one was not in its place yet, and --resume found neither."""
    for name in ("best", "last", "state"):
        (run / name).rename(run / f".{name}-old")
    for name in (".export-a1b2", ".state-c3d4", ".best-e5f6"):
        (run / name).mkdir()
        (run / name / "half").write_bytes(b"written")
    (run / ".metrics.jsonl-g7h8").write_text("half a r")
    assert main(["train", "--resume", "-o", str(run)]) == 0
    assert dotted(run) == []
    ModelBundle.open(run / "best").verify()


@pytest.mark.slow
def test_a_stop_where_a_validation_is_due_does_not_skip_it(
    digit_lines: Path, tiny_base: Path, tmp_path: Path
) -> None:
    """The stopped run left before it; the resumed one began after it: `best` was another one."""
    config = TrainConfig(
        train=(str(digit_lines),), base=str(tiny_base), output=tmp_path / "run",
        epochs=2, batch_size=2, lr=1e-3, val_every=1,
    )  # fmt: skip

    signals = iter([signal.SIGTERM])

    def interrupting(image: Image, generator: np.random.Generator) -> Image:
        for number in signals:
            os.kill(os.getpid(), number)
        return image

    def unchanged(image: Image, generator: np.random.Generator) -> Image:
        return image

    assert train(config, augment=interrupting).stopped is signal.SIGTERM
    train(TrainConfig(output=config.output), resume=True, augment=unchanged)
    found = steps(config.output)
    assert found == list(range(found[-1] + 1))


# --- resuming ---


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--overwrite"], "--resume continues a run and --overwrite deletes it; give one of them"),
        (["--epochs", "5"], "--epochs 5 differs from the run in {run}, which has 1; leave it out to resume"),
    ],
)
def test_options_that_resuming_cannot_follow(
    run: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    capsys.readouterr()
    assert main(["train", "--resume", "-o", str(run), *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"ocrtune: error: {message.format(run=run)}")


def test_a_run_that_ended_before_its_first_save_starts_again(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("best", "last", "state"):
        shutil.rmtree(run / name)
    capsys.readouterr()
    assert main(["train", "--resume", "-o", str(run)]) == 2
    expected = f"ocrtune: error: {run} holds no state to resume from; start again with --overwrite\n"
    assert capsys.readouterr().err == expected


@pytest.mark.slow
def test_labels_that_changed_since_the_run_began_are_refused(
    digit_lines: Path, tiny_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other labels are other batches; with as many other symbols the head's rows would mean others."""
    lines = shutil.copytree(digit_lines, tmp_path / "lines")
    assert main(options(lines, tiny_base, tmp_path / "run")) == 0
    labels = (lines / "labels.txt").read_text(encoding="utf-8")
    (lines / "labels.txt").write_text(labels.replace("\t1", "\t7"), encoding="utf-8")
    capsys.readouterr()
    assert main(["train", "--resume", "-o", str(tmp_path / "run")]) == 2
    assert f"the labels of {lines} are not those that the run" in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_out_of_minutes_says_how_to_go_on(
    digit_lines: Path, tiny_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert main([*options(digit_lines, tiny_base, run), "--max-minutes", "1e-9"]) == 0
    said = f"stopped after --max-minutes 1e-09; for more: ocrtune train --resume -o {run} --max-minutes N"
    assert said in capsys.readouterr().out
    assert main(["train", "--resume", "-o", str(run), "--max-minutes", "5", "--workers", "2"]) == 0
    assert "done: 1 epochs" in capsys.readouterr().out


def test_damaged_figures_are_named(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "metrics.jsonl").write_text('{"step": 0, "ep', encoding="utf-8")
    state = torch.load(run / "state/state.pt", weights_only=True)
    state["position"] |= {"epoch": 0, "batch": 0, "step": 0, "visits": 0}
    torch.save(state, run / "state/state.pt")
    capsys.readouterr()
    assert main(["train", "--resume", "-o", str(run)]) == 2
    assert f"error: {run / 'metrics.jsonl'} is damaged (" in capsys.readouterr().err


# --- the state itself ---


def parts(features: int = 4) -> tuple[nn.Module, WeightAverage, torch.optim.Optimizer]:
    network = nn.Linear(features, 2)
    return network, WeightAverage(network, 0.9), torch.optim.AdamW(network.parameters())


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A folder with the state of a network of four features."""
    save_state(tmp_path, Position(step=7, best_score=(0.25, 0.5, 1.0)), *parts())
    return tmp_path


def test_the_position_comes_back_as_it_was(state: Path) -> None:
    assert load_state(state, *parts()) == Position(step=7, best_score=(0.25, 0.5, 1.0))


class _Attack:
    """What a pickle may do when it is loaded."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch pwned",)


@pytest.mark.parametrize(
    "content", [b"", b"junk" * 50, "a cut file", _Attack()], ids=["empty", "junk", "cut", "code"]
)
def test_a_damaged_state_is_refused_and_runs_nothing(
    state: Path, monkeypatch: pytest.MonkeyPatch, content: object
) -> None:
    monkeypatch.chdir(state)
    file = state / "state/state.pt"
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif isinstance(content, str):
        file.write_bytes(file.read_bytes()[:-200])
    else:
        torch.save(content, file)
    with pytest.raises(
        InputError, match=r"state\.pt is damaged, or holds more than plain values; train anew"
    ):
        load_state(state, *parts())
    assert not (state / "pwned").exists()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("network", 5),
        ("average", {}),
        ("average_updates", "many"),
        ("optimizer", [1]),
        ("optimizer", {"state": 3, "param_groups": [{"params": [0, 1]}]}),
        ("random", torch.zeros(3)),
        ("position", {"step": 7}),
        ("position", 7),
    ],
)
def test_a_state_of_other_things_is_refused_on_one_line(state: Path, key: str, value: object) -> None:
    file = state / "state/state.pt"
    torch.save(torch.load(file, weights_only=True) | {key: value}, file)
    with pytest.raises(InputError, match=r"cannot be used: .*; train anew into another folder") as refused:
        load_state(state, *parts())
    assert "\n" not in str(refused.value)


def test_the_state_of_another_network_is_refused(state: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be used: .*size mismatch for weight"):
        load_state(state, *parts(features=5))
