"""The training run, from configuration to a verified bundle; reads top to bottom.

Setting up is in `material.py` and `recipe.py`, the parts of a step in `batches.py`,
`step.py` and what it calls, what is on disk in `keeping.py`, the choice of what counts in `ending.py`.
"""

from __future__ import annotations

import contextlib
import signal
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast, broadcast_object_list

from ocrtune.bundle import ModelBundle
from ocrtune.config import TrainConfig
from ocrtune.convert.from_checkpoint import opened_base
from ocrtune.errors import InputError
from ocrtune.evaluate.metrics import Metrics
from ocrtune.reading.models import FoundModel
from ocrtune.train.augment import Augment
from ocrtune.train.averaging import WeightAverage
from ocrtune.train.cpu import enlarge_caches
from ocrtune.train.display import Display
from ocrtune.train.ending import Ending
from ocrtune.train.events import Events
from ocrtune.train.feeding import feeder_of
from ocrtune.train.folder import BEST, METRICS_FILE, RunFolder
from ocrtune.train.guard import Guard
from ocrtune.train.keeping import Keeper, read_bundle
from ocrtune.train.material import OpenedSets, prepare, warnings
from ocrtune.train.movement import Anchor, freeze_early, parameter_groups
from ocrtune.train.new_symbols import BATCH, GENERAL_LINES, LinesToFit, NewSymbols
from ocrtune.train.opening import opening
from ocrtune.train.recipe import Recipe, choose, choose_device
from ocrtune.train.replay import Replay
from ocrtune.train.state import Position, load_state
from ocrtune.train.step import Learner
from ocrtune.train.stopping import StopRequest, stop_signals
from ocrtune.train.validation import Validation, Validator, thinned, validation_limit
from ocrtune.train.way_back import copied_weights

STATE_EVERY = 300.0
"""Seconds between states saved inside an epoch."""


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What a run left behind."""

    folder: Path
    best: Path
    """The bundle that counts."""
    metrics: Metrics
    """Of `best`, read by ONNX Runtime as it will be served: on all validation lines, or on those that
    were validated on if the run was stopped."""
    stopped: signal.Signals | None
    """The signal that ended the run early; it can be resumed."""


def train(
    config: TrainConfig,
    *,
    resume: bool = False,
    augment: Augment | None = None,
    sets: OpenedSets | None = None,
) -> TrainResult:
    """Train, validate and leave a run folder with `best` and `last`.

    Args:
        config: all options.
        resume: continue the run in `config.output` with its own stored configuration.
        augment: replaces the changes of `config.augment`; not stored, so give it again to resume.
        sets: lines that are opened already, in place of `config.train` and `config.val`; not stored either.

    Raises:
        InputError: wrong options, unreadable input, a disk that refuses.
        BarError: too many unusable lines, a loss that is no number any more, or an export that does not
            read as the network does.
    """
    if config.unlabelled is not None:
        raise InputError("images without labels are trained on in rounds: ocrtune.workflows.rounds")
    folder = RunFolder(config.output)
    if resume:
        config = folder.stored_config(config)
    else:
        folder.check_free(config)
    device = choose_device(config.device)
    if device == "cpu":
        enlarge_caches()
    # Precision stays with torch.autocast: accelerate fixes one for the life of the process.
    accelerator = Accelerator(cpu=device == "cpu", mixed_precision="no")
    with contextlib.ExitStack() as stack:
        display = stack.enter_context(Display(shown=accelerator.is_main_process))
        stop = stack.enter_context(stop_signals())
        base = None
        if config.base != "none":
            opened = opened_base(config.base, config.character, config.arch, display.note)
            base = stack.enter_context(opened)
        run = _Run(
            config, folder, accelerator, display, stop, base, resume=resume, augment=augment, sets=sets
        )
        stack.callback(run.events.close)
        stack.callback(run.learner.close)
        run.begin()
        while not run.finished():
            run.epoch()
        return run.end()


class _Run:
    """One run; its methods follow each other in time."""

    def __init__(
        self,
        config: TrainConfig,
        folder: RunFolder,
        accelerator: Accelerator,
        display: Display,
        stop: StopRequest,
        base: FoundModel | None,
        *,
        resume: bool,
        augment: Augment | None,
        sets: OpenedSets | None,
    ) -> None:
        torch.manual_seed(config.seed)
        self.config, self.folder, self.display = config, folder, display
        self.accelerator, self.stop, self.resume = accelerator, stop, resume
        self.start, self.lines = start, lines = prepare(config, display.note, base, sets)
        for warning in warnings(config, lines, start.charset):
            display.warn(warning)
        if resume:
            if self.is_main:
                folder.recover()
            self.accelerator.wait_for_everyone()
            folder.check_lines(lines.digests)
        self.recipe = recipe = folder.stored_recipe() if resume else self._choose()
        self.visits = lines.visits(recipe.epochs)
        self.keeper = Keeper(folder, config, start, lines, recipe, writes=self.is_main)
        self._feeder = partial(feeder_of, start=start, recipe=recipe, config=config, augment=augment)
        self.layout = torch.channels_last if recipe.channels_last else torch.contiguous_format
        self.network = start.network.to(self.accelerator.device, memory_format=self.layout)
        if recipe.freeze_early:
            freeze_early(self.network)
        average = self.average = WeightAverage(self.network, recipe.averaging)
        groups = parameter_groups(self.network, recipe.backbone_rate, recipe.head_rate, recipe.weight_decay)
        optimizer = torch.optim.AdamW(groups, lr=recipe.lr, betas=recipe.betas, fused=True)
        # All that is measured from the start copies it, before a resumed run takes up its own weights.
        anchor = Anchor(self.network, recipe.anchor)
        goes_back = recipe.way_back or lines.guard is not None
        self.beginning = copied_weights(self.network) if goes_back else None
        self.guard = None
        if lines.guard is not None:
            self.guard = Guard(
                lines.guard, start.charset, start.layout, start.spec, config.max_drop,
                self.network, recipe.precision == "bf16", self.layout,
            )  # fmt: skip
        replay = None
        if recipe.replay and lines.replay is not None:
            feeder = self._feeder(lines.replay)
            replay = Replay(
                self.network, feeder, recipe.replay, start.layout, self.layout, start.added_classes()
            )
        self.position = Position()
        if resume:
            self.position = load_state(folder.path, self.network, average, optimizer)
        self.learner = Learner(
            self.accelerator, recipe, self.network, optimizer, average, anchor,
            self._feeder(lines.train, self.visits),
            replay, start.layout, start.case_pairs, self.layout, folder.path,
            [entry.source for entry in lines.train.entries], config.seed, self.position.pixels, display.tell,
        )  # fmt: skip
        some = thinned(lines.val, validation_limit(recipe.visits / recipe.epochs))
        self.validator = Validator(some, start.charset, start.layout, start.spec, start.case_pairs)
        self.events = Events(folder.path, self.position.step if resume else None, writes=self.is_main)
        self.saved_at = self.clock = time.monotonic()

    def _choose(self) -> Recipe:
        """The main process's choices, for all: each would probe a speed of its own."""
        device, processes = choose_device(self.config.device), self.accelerator.num_processes
        start = self.start
        added = len(start.change.added) if start.change is not None else 0
        chosen = [choose(self.config, start.network, start.spec, self.lines, device, processes, added)]
        broadcast_object_list(chosen)
        return chosen[0]

    @property
    def is_main(self) -> bool:
        """Whether this process shows and writes; the others only compute."""
        return bool(self.accelerator.is_main_process)

    def begin(self) -> None:
        """Score the start and save it as `best`: from here the run can only get better."""
        if self.resume:
            self.display.note(
                f"resumed after {self.position.step} batches, in epoch {self.position.epoch + 1}"
            )
        else:
            self._begin_anew()
        if not self.position.new_symbols_learned:
            self._learn_new_symbols()

    def _begin_anew(self) -> None:
        self.keeper.begin()
        validation = self._validate()
        self.position.base_exact = validation.metrics.exact_match
        guard = None if self.guard is None else self.guard.unchanged()
        self.keeper.keep(validation, guard, self.position, self.average)
        self.keeper.record(validation, guard, self.position, loss=None, train_cer=None)
        self.events.add_last_row(self.folder.path / METRICS_FILE)
        self._save_state()
        if self.is_main:
            unchanged = ModelBundle.open(self.folder.path / BEST)
            told = opening(
                self.start, self.lines, self.recipe, validation, guard, unchanged, self.config.augment
            )
            for text in told:
                self.display.note(text)

    def _learn_new_symbols(self) -> None:
        """Teach the head the symbols that the base does not know, before anything else moves."""
        start, recipe, stop = self.start, self.recipe, self.stop
        if start.change is None or not start.change.added or start.layout.kind != "ctc":
            return
        added, entries = start.added_classes(), self.lines.train.entries
        chosen = LinesToFit.of(len(entries), lambda index: start.classes_of(entries[index].text), added)
        if not chosen.showing:
            return
        sets = [self.lines.train.select(chosen.showing + chosen.others)]
        if self.lines.replay is not None:
            sets.append(thinned(self.lines.replay, GENERAL_LINES))
        begun, read, total = time.monotonic(), 0, sum(map(len, sets))

        def advance(lines: int) -> bool:
            nonlocal read
            read += lines
            seconds = max(time.monotonic() - begun, 1e-3)
            self.display.advance("New symbols", read, total, read / seconds)
            return self._agreed(stop.is_set())

        new_symbols = NewSymbols(
            self.network, added, self.accelerator.device, recipe.precision, self.layout, start.case_pairs,
            advance,
        )  # fmt: skip
        batches = [self._feeder(lines, batch_size=BATCH).epoch(0) for lines in sets]
        learned = new_symbols.fit(*batches, seed=self.config.seed)
        for feed in batches:
            feed.close()
        if learned:
            for tensor in (self.network.head.weight, self.network.head.bias):
                tensor.data.copy_(broadcast(tensor.data))
            self.average.restart(self.network)
            self.position.new_symbols_learned = True
            self._save_state()
            self.display.note(
                f"{chosen.symbols} new symbols: the head has learned them from {len(chosen.showing)} lines "
                f"in {time.monotonic() - begun:.0f} s; nothing else has moved yet"
            )

    def finished(self) -> bool:
        """Whether nothing is left to do; says why."""
        position, recipe, minutes = self.position, self.recipe, self.config.max_minutes
        steps, resume = self.config.steps, f"ocrtune train --resume -o {self.folder.path}"
        if self._agreed(self.stop.is_set()):
            self.stop.set()
        reason = None
        if self.stop.is_set():
            reason = f"stopped; continue with: {resume}"
        elif steps is not None and position.step >= steps:
            reason = f"done: {position.step} batches"
        elif steps is None and position.epoch >= recipe.epochs:
            reason = f"done: {recipe.epochs} epochs"
        elif position.checks_without_gain >= recipe.patience:
            reason = f"stopped early: no better score in {recipe.patience} validations"
        elif minutes is not None and position.seconds >= 60 * minutes:
            reason = f"stopped after --max-minutes {minutes:g}; for more: {resume} --max-minutes N"
        # The main process decides for all: clocks and scores may differ a little, and who left alone
        # would keep the others waiting for its gradients.
        (reason,) = broadcast_object_list([reason])
        if reason is not None:
            self.display.note(reason)
        return reason is not None

    def epoch(self) -> None:
        """Train and validate until the epoch, the batches, the time or the user says stop."""
        position, config = self.position, self.config
        self.clock = time.monotonic()
        checked = -1
        for batch in self.learner.batches(position):
            self.learner.learn(batch, position)
            position.batch += 1
            position.step += 1
            position.visits += len(batch.lines)
            self._tick()
            # Before a stop, or the resumed run would go without it.
            if config.val_every is not None and position.step % config.val_every == 0:
                self._check()
                checked = position.step
            if self._agreed(self.stop.is_set()):
                self.stop.set()
                self.keeper.save_last(position, self.average, {})
                self._save_state()
                return
            out_of_time = config.max_minutes is not None and position.seconds >= 60 * config.max_minutes
            if position.step == config.steps or self._agreed(out_of_time):
                break
            if self._agreed(time.monotonic() - self.saved_at > STATE_EVERY):
                self._save_state()
        else:
            position.epoch += 1
            position.batch = 0
        if checked != position.step:
            self._check()
        self._save_state()

    def end(self) -> TrainResult:
        """Score what is to be `best` on all validation lines as it will be served, and record that.

        A stopped run only scores the lines that it validated on: somebody waits, and it may go on.
        """
        self.accelerator.wait_for_everyone()
        path = self.folder.path / BEST
        if self.stop.is_set():
            best = ModelBundle.open(path)
            metrics = read_bundle(best, self.validator.lines, ignore_case=bool(self.start.case_pairs))
            return TrainResult(self.folder.path, path, metrics, stopped=self.stop.signal)
        ending = Ending(
            self.folder, self.keeper, self.recipe, self.validator, self.guard, self.beginning,
            self.accelerator, self.layout, self.start.added_classes(), self.display.note,
        )  # fmt: skip
        metrics = ending.settle(self.position)
        self.display.note(
            f"{path}: exact {metrics.exact_match:.1%}, "
            f"without spaces {metrics.exact_match_no_space:.1%}, CER {metrics.cer:.2%} "
            f"on all {metrics.lines} validation lines, read by ONNX Runtime"
        )
        return TrainResult(self.folder.path, path, metrics, stopped=None)

    def _agreed(self, wish: bool) -> bool:
        """Whether any process wishes it: all must leave a loop in the same step."""
        if self.accelerator.num_processes == 1:
            return wish
        wishes = torch.tensor([int(wish)], device=self.accelerator.device)
        return bool(self.accelerator.gather(wishes).sum())

    def _tick(self) -> None:
        """Move the clock and the bar."""
        position, now = self.position, time.monotonic()
        position.seconds += now - self.clock
        position.epoch_seconds += now - self.clock
        self.clock = now
        label = f"Epoch {position.epoch + 1}/{self.recipe.epochs}"
        begun, ends = (round(self.visits.begun(epoch)) for epoch in (position.epoch, position.epoch + 1))
        self.display.advance(label, position.visits - begun, ends - begun, position.lines_per_second)

    # ---- validating and saving ----

    def _check(self) -> None:
        """Validate the average, keep it if it is the best so far, record and show it."""
        validation, guard = self._validate(), None
        self.learner.require_finite(validation.loss, "the validation lines")
        position = self.position
        loss = position.loss_sum / max(1, position.loss_lines)
        train_cer = position.edits / max(1, position.symbols)
        epoch = position.epoch + (position.batch > 0)
        speed = position.lines_per_second
        self.display.epoch(epoch, self.recipe.epochs, loss, train_cer, validation, speed)
        self.display.rows(self.validator.lines, validation)
        if self.guard is not None:
            guard = self.guard.score(self.average.network)
            self.display.note(f"    general lines: {guard.summary()}")
        self.keeper.keep(validation, guard, position, self.average)
        self.keeper.record(validation, guard, position, loss, train_cer)
        self.events.add_last_row(self.folder.path / METRICS_FILE)
        position.forget_sums()
        self.clock = time.monotonic()

    def _validate(self) -> Validation:
        return self.validator.score(self.average.network, self.recipe.precision == "bf16", self.layout)

    def _save_state(self) -> None:
        self.keeper.save_state(self.position, self.network, self.average, self.learner.optimizer)
        self.saved_at = time.monotonic()
