"""Opening ONNX files that anyone may have made: limits, one clear error, no file beside them read."""

from __future__ import annotations

import math
import os
from pathlib import Path

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


def intra_op_threads() -> int:
    """Threads for one network run; 0 leaves it to ONNX Runtime: one for each physical core.

    The runtime looks neither at a container's quota nor at a narrowed CPU set: left alone it starts
    more threads there than may run, and each run waits for the slowest.
    """
    logical = os.cpu_count() or 1
    # sched_getaffinity exists on Linux only; other systems do not narrow the set.
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else logical
    usable = min(allowed, max(1, math.ceil(cgroup_cores())) if cgroup_cores() < math.inf else allowed)
    return 0 if usable == logical else usable


def open_session(path: Path, *, optimise: bool = True) -> ort.InferenceSession:
    """Open the ONNX file `path` on the CPU.

    Args:
        path: the file; all of its tensors must be inside.
        optimise: False opens it quicker, for a look at its shapes and metadata.

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
    options.intra_op_num_threads = intra_op_threads()
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
