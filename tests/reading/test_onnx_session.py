"""Threads for a container's share of the machine, and the size limit of model files."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ocrtune.errors import InputError
from ocrtune.reading import onnx_session


@pytest.mark.parametrize(
    ("quota", "period", "cores"),
    [
        ("150000 100000", None, 1.5),  # version 2
        ("max 100000", None, math.inf),
        ("200000", "100000", 2),  # version 1
        ("-1", "100000", math.inf),
    ],
)
def test_a_containers_quota_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, period: str | None, cores: float
) -> None:
    quota_file, period_file = tmp_path / "quota", tmp_path / "period"
    quota_file.write_text(quota + "\n")
    if period is not None:
        period_file.write_text(period + "\n")
    files = ((quota_file, None if period is None else period_file),)
    monkeypatch.setattr(onnx_session, "CGROUP_QUOTAS", files)
    assert onnx_session.cgroup_cores() == cores


@pytest.mark.parametrize(
    ("logical", "allowed", "quota", "threads"),
    [
        (8, 8, math.inf, 0),  # the whole machine: the runtime counts its physical cores
        (8, 2, math.inf, 2),  # narrowed CPU set
        (8, 8, 1.5, 2),
        (8, 8, 0.3, 1),
        (8, 2, 4, 2),
    ],
)
def test_threads_follow_what_may_run(
    monkeypatch: pytest.MonkeyPatch, logical: int, allowed: int, quota: float, threads: int
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: logical)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(allowed)), raising=False)
    monkeypatch.setattr(onnx_session, "cgroup_cores", lambda: quota)
    assert onnx_session.intra_op_threads() == threads


def test_a_file_over_the_limit_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_session, "ONNX_LIMIT", 2**20)
    (tmp_path / "large.onnx").write_bytes(bytes(2**20 + 1))
    with pytest.raises(InputError, match=r"large\.onnx has 1 MiB; models over 1 MiB are not opened"):
        onnx_session.open_session(tmp_path / "large.onnx")


def save_scaling(path: Path, factor: float) -> None:
    """A network y = factor * x."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in "xy")
    weight = numpy_helper.from_array(np.array(factor, np.float32), "w")
    graph = helper.make_graph([helper.make_node("Mul", ["x", "w"], ["y"])], "g", [x], [y], [weight])
    onnx.save(helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]), path)


class Meeting:
    """A session during whose runs another run of the crowd comes."""

    def __init__(self, crowded: onnx_session.CrowdedSession) -> None:
        self._crowded, self._session = crowded, crowded.alone
        self.given: list[float] = []

    def run(self, outputs: list[str], inputs: dict[str, npt.NDArray[np.float32]]) -> Any:
        self._crowded.alone = self._session
        self.given.append(float(self._crowded.run(outputs[0], inputs)[0]))
        self._crowded.alone = self  # type: ignore[assignment]
        return self._session.run(outputs, inputs)


@pytest.mark.parametrize(("changed", "opened"), [(False, [None, 1]), (True, [None])])
def test_in_a_crowd_a_run_has_one_core_and_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: bool, opened: list[int | None]
) -> None:
    seen: list[int | None] = []
    real = onnx_session.open_session

    def watched(path: Path, *, threads: int | None = None) -> Any:
        seen.append(threads)
        return real(path, threads=threads)

    monkeypatch.setattr(onnx_session, "open_session", watched)
    monkeypatch.setattr(onnx_session, "usable_cores", lambda: 2)
    monkeypatch.setattr(onnx_session.CrowdedSession, "OPEN_AFTER", 2)
    path = tmp_path / "m.onnx"
    save_scaling(path, 2)
    session = onnx_session.CrowdedSession(path)
    x = {"x": np.ones(1, np.float32)}
    assert session.run("y", x)[0] == 2
    if changed:
        save_scaling(path, 3)
    meeting = Meeting(session)
    session.alone = meeting  # type: ignore[assignment]
    assert [float(session.run("y", x)[0]) for _ in range(3)] == meeting.given == [2, 2, 2]
    assert seen == opened


@pytest.mark.slow
def test_the_runtime_keeps_nothing_about_the_machine_and_reports_nothing(tmp_path: Path) -> None:
    """ONNX Runtime 1.31 wrote a device id and a queue of reports to ~/.cache when a session was opened."""
    code = "from ocrtune.reading.models import find_model; find_model()"
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    homes = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment | homes)
    assert list(tmp_path.rglob("*")) == []
