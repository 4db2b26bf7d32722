"""Files that a stranger calls a checkpoint: read as tensors alone, or refused with a reason."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch

from ocrtune.convert import checkpoint
from ocrtune.convert.checkpoint import read_checkpoint
from ocrtune.errors import InputError


class Bomb:
    """Runs a command when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


def test_weights_are_read_without_module_and_as_float32(save):
    state = {"module.a.weight": torch.ones(2, 3, dtype=torch.float16), "module.n": torch.tensor(3)}
    read = read_checkpoint(save(state))
    assert {name: tensor.dtype for name, tensor in read.items()} == {
        "a.weight": torch.float32,
        "n": torch.int64,
    }
    assert torch.equal(read["a.weight"], torch.ones(2, 3))


@pytest.mark.parametrize("wrapper", ["state_dict", "model", "net"])
def test_weights_beside_an_optimiser_are_found(save, wrapper):
    path = save({wrapper: {"a": torch.ones(1)}, "epoch": 3, "optimizer": {"lr": 0.1}})
    assert list(read_checkpoint(path)) == ["a"]


@pytest.mark.parametrize("legacy", [True, False])
def test_code_is_not_run_and_named(tmp_path, legacy):
    trace, path = tmp_path / "trace", tmp_path / "bomb.pth"
    torch.save({"a": torch.ones(1), "b": Bomb(trace)}, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(InputError) as error:
        read_checkpoint(path)
    assert str(error.value) == (
        f"{path} holds more than tensors: opening it would run code ({os.mkdir.__module__}.mkdir), which is "
        "not done; from a model you trust, save the weights alone: torch.save(model.state_dict(), FILE)"
    )
    assert not trace.exists()


def test_a_plain_pickle_is_not_run(tmp_path):
    trace, path = tmp_path / "trace", tmp_path / "bomb.pth"
    path.write_bytes(pickle.dumps(Bomb(trace)))
    with pytest.raises(InputError, match=r"bomb\.pth"):
        read_checkpoint(path)
    assert not trace.exists()


def test_a_whole_model_is_refused_and_what_to_save_instead_is_said(save):
    with pytest.raises(InputError, match=r"would run code \(torch\.nn\.modules\.linear\.Linear\)"):
        read_checkpoint(save(torch.nn.Linear(2, 2)))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("legacy", [True, False])
def test_a_file_that_is_cut_off_is_refused(tmp_path, share, legacy):
    path = tmp_path / "cut.pth"
    torch.save({"a": torch.randn(100, 100)}, path, _use_new_zipfile_serialization=not legacy)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match=r"cut\.pth .*copy the file again") as error:
        read_checkpoint(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([torch.ones(1)], "holds a list, not weights by name"),
        ({"a": 1}, "holds no tensors by name"),
        ({}, "holds no tensors by name"),
        ({"a": torch.ones(1).to_sparse()}, "a is not a plain tensor"),
    ],
)
def test_what_is_no_state_dict_is_refused(save, content, message):
    with pytest.raises(InputError, match=message):
        read_checkpoint(save(content))


def test_a_file_too_large_is_not_opened(save, monkeypatch):
    path = save({"a": torch.zeros(2**19)})
    monkeypatch.setattr(checkpoint, "CHECKPOINT_LIMIT", 2**20)
    with pytest.raises(InputError, match=r"model\.pth has 2 MiB; checkpoints over 1 MiB are not opened"):
        read_checkpoint(path)


def test_an_archive_that_unpacks_to_more_is_not_opened(tmp_path, monkeypatch):
    path = tmp_path / "bomb.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model/data.pkl", b"0" * 2**21)
    monkeypatch.setattr(checkpoint, "CHECKPOINT_LIMIT", 2**20)
    assert path.stat().st_size < 2**16
    with pytest.raises(InputError, match="over 1 MiB are not opened"):
        read_checkpoint(path)


def test_a_view_that_claims_more_than_the_file_is_refused(save, monkeypatch):
    """One number, seen ten million times: a copy of it would take 40 MB."""
    path = save({"a": torch.zeros(1).expand(10**7)})
    monkeypatch.setattr(checkpoint, "CHECKPOINT_LIMIT", 2**20)
    with pytest.raises(InputError, match="a is not a plain tensor of the file's size"):
        read_checkpoint(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"cannot read the checkpoint .*nope\.pth: No such file"):
        read_checkpoint(tmp_path / "nope.pth")
