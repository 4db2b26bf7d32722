"""How large a batch is, and how many px of it memory holds at a time: what `--batch-size auto` decides."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from ocrtune.decoding import ClassLayout
from ocrtune.preprocess import PreprocessSpec
from ocrtune.train.batches import WIDTH_OF_BATCH_SIZE
from ocrtune.train.objective import line_losses, predict

USUAL_BATCH = 16
"""Lines of 320 px in a batch: what the rates were chosen with (log 2026-11-21)."""

LARGEST_BATCH = 128
BATCHES_OF_EPOCH = 100
"""An epoch has at least so many, or its steps would be too few to learn from. A judgement."""

SHARE = 0.5
"""Of free memory, for what the backward pass needs: it works with copies of some of it, and lines differ."""

MEMORY_FILES = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current"))
"""What a container may use, and what it does (cgroup v2)."""


def choose_batch(epoch_visits: float, device: str) -> int:
    """Lines of 320 px in a batch.

    A CPU gains nothing from more than the usual ones; a GPU computes many lines in the time of a few.
    """
    if device == "cpu":
        return USUAL_BATCH
    fits = int(epoch_visits / BATCHES_OF_EPOCH)
    return max(USUAL_BATCH, min(LARGEST_BATCH, 1 << max(0, fits.bit_length() - 1)))


def choose_pixels(network: nn.Module, device: str, spec: PreprocessSpec) -> int | None:
    """Height times width of the images of a piece that memory has room for; None where nothing tells."""
    free = free_bytes(device)
    if free is None:
        return None
    return max(1, int(SHARE * free / bytes_per_pixel(network, device, spec)))


def bytes_per_pixel(network: nn.Module, device: str, spec: PreprocessSpec) -> float:
    """Memory that one px of a line holds from the forward to the backward pass, in float32.

    Counted, not measured: the storages that autograd keeps, each once, without the weights.
    """
    width = network.fixed_width or WIDTH_OF_BATCH_SIZE
    layout = ClassLayout(network.classes)
    own = {weight.untyped_storage().data_ptr() for weight in network.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    length = 1 if layout.kind == "ctc" else network.max_length
    targets = torch.full((length,), layout.specials, device=device)
    lengths = torch.full((1,), length, device=device)
    images = torch.zeros((1, spec.num_channels, spec.height, width), device=device)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        logits = predict(network.to(device), images, targets, lengths, layout)
        line_losses(logits, targets, lengths, layout)
    return sum(kept.values()) / (spec.height * width)


def free_bytes(device: str, files: tuple[Path, Path] = MEMORY_FILES) -> int | None:
    """Memory that is free on the device; None on a CPU whose system does not say, as outside Linux."""
    if device == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    meminfo = Path("/proc/meminfo")
    if not meminfo.is_file():
        return None
    rows = dict(line.split(":", 1) for line in meminfo.read_text(encoding="ascii").splitlines())
    free = 1024 * int(rows["MemAvailable"].split()[0])
    limit, used = files
    if limit.is_file() and (allowed := limit.read_text(encoding="ascii").strip()) != "max":
        free = min(free, int(allowed) - int(used.read_text(encoding="ascii")))
    return free
