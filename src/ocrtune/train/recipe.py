"""What a run does where the user left it open: length, rates, precision.

Choices depend on the lines, the network and what this machine measures; they are stored in the
run, so that a resumed run makes the same ones.
"""

from __future__ import annotations

import copy
import math
import statistics
import time
from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict
from torch import nn

from ocrtune.config import TrainConfig
from ocrtune.decoding import ClassLayout
from ocrtune.errors import InputError
from ocrtune.preprocess import PreprocessSpec
from ocrtune.train.batches import WIDTH_OF_BATCH_SIZE, lines_of_batch
from ocrtune.train.material import Lines
from ocrtune.train.memory import USUAL_BATCH, choose_batch, choose_pixels
from ocrtune.train.movement import freeze_early
from ocrtune.train.objective import line_losses, predict
from ocrtune.train.precision import Precision, autocast

Device = Literal["cpu", "cuda"]

FINE_TUNING_RATE = 2e-4
"""Highest learning rate of fine-tuning: log 2026-11-21."""

REPLAY_PACE = 0.25
"""Batches of general lines per batch of the material, where lines are replayed."""

REPLAY_PACE_OF_NEW = 1.0
"""The same where the material has symbols that the base lacks: what looks like them is forgotten first."""

REPLAY_COST = 1.2
"""Time of a replayed batch over that of one of the material: the teacher reads it, too (decision 0015)."""

PROBE_LINES = 8
"""Lines of the batch that the precision probe times, 320 px wide."""
PROBE_SECONDS = 0.5


class Recipe(BaseModel):
    """The resolved choices of a run, stored beside its configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int
    visits: float
    """Lines trained on in the whole run: the length of the schedule."""
    batch_size: int
    """Lines of 320 px that a step of the optimiser learns from, in all pieces and processes."""
    accumulate: int = 1
    """Pieces that a batch is computed in, at least."""
    pixels: int | None = None
    """Height times width of the images of a piece, at most."""
    lr: float
    warm_up: float
    """Share of the run in which the rate rises."""
    betas: tuple[float, float]
    weight_decay: float
    clip_norm: float
    freeze_early: bool
    """The first layers stay as they are."""
    backbone_rate: float
    """Learning rate of the image features over `lr`."""
    head_rate: float
    """Learning rate of the head over `lr`."""
    anchor: float
    """Share of the way back to the start that each step pulls all but the head, at the peak rate."""
    dropout: float
    """Share of features left out at random, in networks that have dropout."""
    extra_padding: int
    """px, at most, added to a line's width before its bucket is chosen: a random change like those of
    `--augment`, and left out with them."""
    keep_statistics: bool
    """Batch norms keep the base's statistics. A batch holds lines of one width only, so its own
    statistics are those of short words or of long sentences: log 2026-11-21."""
    averaging: float
    """Decay per batch of the running average of the weights."""
    patience: int
    way_back: bool = False
    """At the end, go back towards the base as far as what was gained on the validation lines stays."""
    replay: float = 0.0
    """Batches of general lines per batch of the material."""
    precision: Precision
    channels_last: bool
    device: Device
    workers: int
    estimated_seconds: float
    """Training time from the probed speed of this machine, validations not counted."""


def choose(
    config: TrainConfig,
    network: nn.Module,
    spec: PreprocessSpec,
    lines: Lines,
    device: Device,
    processes: int = 1,
    new_symbols: int = 0,
) -> Recipe:
    """Resolve what the configuration left open, and probe the machine.

    Args:
        config: whose None are to be chosen.
        network: to train; left as it is.
        spec: its preprocessing.
        lines: to train on.
        device: to train on.
        processes: that train together, each on its part of every batch.
        new_symbols: that the base lacks.
    """
    fine_tuning = config.base != "none"
    trial = copy.deepcopy(network)
    if fine_tuning:
        freeze_early(trial)
    fastest = max(probe_speeds(trial, device, spec), key=lambda speed: speed.lines_per_second)
    epoch_visits = sum(lines.weights)
    pixels = None
    if config.batch_size == "auto":
        batch_size = choose_batch(epoch_visits, device)
        pixels = choose_pixels(trial, device, spec)
    else:
        batch_size = (config.batch_size or USUAL_BATCH) * config.accumulate
    if config.steps is not None:
        visits = config.steps * epoch_visits / batches_of_epoch(lines, batch_size)
        epochs = math.ceil(visits / epoch_visits)
    else:
        # A few made lines beside many real ones would otherwise have the real ones seen less often.
        epochs = config.epochs or choose_epochs(max(lines.visits(1).parts), fine_tuning)
        visits = epochs * epoch_visits
    steps = visits / epoch_visits * batches_of_epoch(lines, batch_size)
    px = sum(weight * width for weight, width in zip(lines.weights, lines.widths, strict=True))
    mean_width = px / epoch_visits
    pace = REPLAY_PACE_OF_NEW if new_symbols else REPLAY_PACE
    replay = pace if lines.replay is not None else 0.0
    seconds = visits * mean_width / WIDTH_OF_BATCH_SIZE / fastest.lines_per_second / processes
    return Recipe(
        epochs=epochs,
        visits=visits,
        batch_size=batch_size,
        accumulate=config.accumulate,
        pixels=pixels,
        lr=config.lr or (FINE_TUNING_RATE if fine_tuning else 1e-3),
        warm_up=0.1,
        betas=(0.9, 0.99),
        weight_decay=0.01,
        clip_norm=5.0,
        freeze_early=fine_tuning,
        backbone_rate=0.3 if fine_tuning else 1.0,
        head_rate=2.0 if fine_tuning else 1.0,
        anchor=choose_anchor(steps) if fine_tuning else 0.0,
        dropout=0.1 if fine_tuning else 0.0,
        extra_padding=0 if config.augment == "none" else 50,
        keep_statistics=fine_tuning,
        # Over an eighth of the run, but at least 10 and at most 1,000 batches.
        averaging=1 - 1 / min(1000.0, max(10.0, visits / batch_size / 8)),
        way_back=fine_tuning and lines.only_made_validate and config.way_back == "auto",
        # One cycle gains most where its rate falls: stopping in the middle forgoes that.
        patience=config.patience or max(5, round(0.8 * epochs)),
        replay=replay,
        precision=fastest.precision,
        channels_last=fastest.channels_last,
        device=device,
        workers=config.workers or (1 if device == "cpu" else 8),
        estimated_seconds=seconds * (1 + REPLAY_COST * replay),
    )


def batches_of_epoch(lines: Lines, batch_size: int) -> float:
    """Full batches that an epoch has, but for lines that augmentation moves to another width."""
    return sum(
        weight / lines_of_batch(width, batch_size)
        for weight, width in zip(lines.weights, lines.widths, strict=True)
    )


def choose_epochs(lines: float, fine_tuning: bool) -> int:
    """Epochs for a number of training lines: few lines are visited somewhat more often.

    Set so that plates, receipts and typewritten lines end within minutes on two cores; not tuned.
    """
    if not fine_tuning:
        return max(20, min(200, round(400_000 / lines)))
    return max(6, min(12, round(9 * (1000 / lines) ** 0.17)))


def choose_anchor(steps: float) -> float:
    """Strength of the anchor in a run of so many steps: what they pull in all is bounded (log 2026-11-21).

    The fewer lines, and so steps, the less they may move the base.
    """
    return min(0.006, 3.5 / steps)


def choose_device(wanted: Literal["auto", "cpu", "cuda"]) -> Device:
    """The device to train on.

    Raises:
        InputError: "cuda" is wanted and there is none.
    """
    if torch.cuda.is_available() and wanted != "cpu":
        return "cuda"
    if wanted == "cuda":
        raise InputError("--device cuda: this PyTorch sees no CUDA device; use --device cpu or auto")
    return "cpu"


def one_cycle(progress: float, peak: float, warm_up: float) -> float:
    """Learning rate at `progress` (0..1) of the run: linear rise, then half a cosine to 1 % of it."""
    if progress < warm_up:
        return peak * max(0.01, progress / warm_up)
    fall = min(1.0, (progress - warm_up) / (1 - warm_up))
    return peak * max(0.01, 0.5 * (1 + math.cos(math.pi * fall)))


@dataclass(frozen=True, slots=True)
class Speed:
    """One way to compute, timed in training steps."""

    precision: Precision
    channels_last: bool
    lines_per_second: float
    """Lines of 320 px."""


def probe_speeds(network: nn.Module, device: Device, spec: PreprocessSpec) -> list[Speed]:
    """Time training steps of a copy of `network` in each precision and memory layout.

    bf16 and channels_last gain 2x on CPUs with bf16 instructions and lose on others; no list of
    CPU names tells which.
    """
    ways: list[tuple[Precision, bool]] = [("fp32", False), ("fp32", True), ("bf16", True)]
    if device == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        ways[-1] = ("fp16", True)
    width = network.fixed_width or WIDTH_OF_BATCH_SIZE
    images = (torch.rand(PROBE_LINES, spec.num_channels, spec.height, width) * 2 - 1).to(device)
    classes = ClassLayout(network.classes)
    # CTC takes as long whatever the label; a decoder takes as many steps as the longest of a batch has.
    length = 1 if classes.kind == "ctc" else network.max_length
    lengths = torch.full((PROBE_LINES,), length, device=device)
    targets = torch.full((PROBE_LINES * length,), classes.specials, device=device)
    speeds = []
    for precision, channels_last in ways:
        layout = torch.channels_last if channels_last else torch.contiguous_format
        trial = copy.deepcopy(network).train().to(device, memory_format=layout)
        laid_out = images.contiguous(memory_format=layout)
        seconds: list[float] = []
        deadline = time.perf_counter() + PROBE_SECONDS
        while len(seconds) < 3 or time.perf_counter() < deadline:
            begun = time.perf_counter()
            with autocast(device, precision):
                logits = predict(trial, laid_out, targets, lengths, classes)
            line_losses(logits, targets, lengths, classes).mean().backward()
            if device == "cuda":
                torch.cuda.synchronize()
            seconds.append(time.perf_counter() - begun)
        # The first pass compiles kernels and does not count.
        lines = PROBE_LINES * width / WIDTH_OF_BATCH_SIZE
        speeds.append(Speed(precision, channels_last, lines / statistics.median(seconds[1:])))
    return speeds
