"""Opening ONNX files that anyone may have made: limits, one clear error, no file beside them read."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from ocrtune.errors import InputError

ONNX_LIMIT = 512 * 2**20
"""Bytes; the largest open line recognisers take 80 MiB."""

_LOG_FATAL = 4  # failures arrive as exceptions; the runtime would print them as well

CGROUP_QUOTAS = (
    (Path("/sys/fs/cgroup/cpu.max"), None),  # version 2: "quota period" or "max period"
    (Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")),  # version 1
)


def cgroup_cores() -> float:
    """How many cores' worth of time a container may use; infinite without a limit."""
    for quota_file, period_file in CGROUP_QUOTAS:
        if not quota_file.is_file():
            continue
        fields = quota_file.read_text(encoding="ascii").split()
        if period_file is not None:
            fields += period_file.read_text(encoding="ascii").split()
        quota, period = fields
        return math.inf if quota in ("max", "-1") else int(quota) / int(period)
    return math.inf


def usable_cores() -> int:
    """Logical cores that this process may keep busy, by its CPU set and its container's quota."""
    logical = os.cpu_count() or 1
    # sched_getaffinity exists on Linux only; other systems do not narrow the set.
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else logical
    return int(min(allowed, max(1, math.ceil(min(cgroup_cores(), allowed)))))


def intra_op_threads() -> int:
    """Threads for one network run; 0 leaves it to ONNX Runtime: one for each physical core.

    The runtime looks neither at a container's quota nor at a narrowed CPU set: left alone it starts
    more threads there than may run, and each run waits for the slowest.
    """
    usable = usable_cores()
    return 0 if usable == (os.cpu_count() or 1) else usable


def open_session(path: Path, *, optimise: bool = True, threads: int | None = None) -> ort.InferenceSession:
    """Open the ONNX file `path` on the CPU.

    Args:
        path: the file; all of its tensors must be inside.
        optimise: False opens it quicker, for a look at its shapes and metadata.
        threads: of one run; as `intra_op_threads` says if not given.

    Raises:
        InputError: missing, too large, or not an ONNX file that the runtime can load.
    """
    try:
        size = path.stat().st_size
        if size > ONNX_LIMIT:
            raise InputError(
                f"{path} has {size >> 20} MiB; models over {ONNX_LIMIT >> 20} MiB are not opened"
            )
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the model {path}: {error.strerror}") from error
    options = ort.SessionOptions()
    options.log_severity_level = _LOG_FATAL
    options.intra_op_num_threads = intra_op_threads() if threads is None else threads
    # Every width is a new shape; the arena would keep the largest of each for good.
    options.enable_cpu_mem_arena = False
    # Threads that find no work would spin for a while, in the way of all others. Measured on two cores: half
    # of a line's processor time, and more of its wall time than waking them costs (log 2026-11-25).
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if not optimise:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.add_session_config_entry("session.disable_prepacking", "1")
    # Tensors stored outside would be looked for under this path, where nothing can be: it is a file.
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(path))
    try:
        return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        reason = str(error).removeprefix("[ONNXRuntimeError] : ").splitlines()[0][:200]
        raise InputError(
            f"{path} is not an ONNX file that can be loaded: {reason}; restore it or export it again"
        ) from error


class CrowdedSession:
    """A network that several threads run at once. Alone, a run has all cores; in a crowd, one each.

    Two runs that share two cores between them take 1.1 times as long as on one core each (209 receipt lines,
    log 2026-11-30). The session for the crowd takes time to open, and twice the file's size in memory: it is
    opened when `OPEN_AFTER` runs would have used it.

    Args:
        path: as `open_session` takes it.

    Raises:
        InputError: as `open_session`.
    """

    OPEN_AFTER = 16

    def __init__(self, path: Path) -> None:
        self._path = path
        self._identity = _identity(path)
        self.alone = open_session(path)
        """The session that has all cores."""
        self._crowd: ort.InferenceSession | None = None
        self._cores = usable_cores()
        self._running = 0
        self._crowded = 0
        self._lock = threading.Lock()

    def run(self, output: str, inputs: Mapping[str, npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
        """One output of the network; raises what the runtime raises."""
        with self._lock:
            self._running += 1
            is_crowded = self._running >= self._cores > 1
            self._crowded += is_crowded
            opens = is_crowded and self._crowded == self.OPEN_AFTER
        try:
            if opens and _identity(self._path) == self._identity:  # else other weights stand there now
                self._crowd = open_session(self._path, threads=1)
            session = self._crowd if is_crowded and self._crowd is not None else self.alone
            given: npt.NDArray[np.float32] = session.run([output], inputs)[0]
            return given
        finally:
            with self._lock:
                self._running -= 1


def _identity(path: Path) -> tuple[int, ...] | None:
    """What changes when a file does; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
