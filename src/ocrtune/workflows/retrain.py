"""From corrections to a better model in service: lines, split, training, comparison, and the hand-over.

Each stage leaves its result in the output folder, complete or not at all, so that the same command goes on
where it was interrupted. Nothing outside of that folder changes before the new model has been found better.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ocrtune.bundle import ModelBundle
from ocrtune.config import RetrainConfig, TrainConfig
from ocrtune.data.corrections_import import correction_lines
from ocrtune.data.dataset import LineDataset, open_dataset
from ocrtune.data.groups import BY_LINE, BY_PAGE, group_lines
from ocrtune.data.importing import import_lines
from ocrtune.data.lines import LabelledLines
from ocrtune.data.origins import names_of
from ocrtune.data.rejects import RejectReason
from ocrtune.data.split import Shares, Side
from ocrtune.data.split_files import write_split
from ocrtune.data.split_plan import SplitPlan, plan_split
from ocrtune.data.staging import staged_folder
from ocrtune.errors import BarError, InputError
from ocrtune.evaluate.evaluation import evaluate
from ocrtune.evaluate.paired import SURE, Paired, pair
from ocrtune.reading.models import BASE, FoundModel, find_model
from ocrtune.reading.recognizer import OnnxRecognizer
from ocrtune.train.run import train
from ocrtune.workflows.retrain_folder import Report, RetrainFolder
from ocrtune.workflows.service_client import ServiceClient

SHARES = Shares(val=0.1, test=0.2)
"""Of the corrections: those that choose the best epoch, and those kept back to compare both models."""


def retrain(config: RetrainConfig, *, report: Report) -> Path:
    """Tell the whole story in the folder `config.output`.

    Args:
        config: all options.
        report: takes one line of progress.

    Returns:
        The bundle of the better model.

    Raises:
        InputError: wrong options, unreadable input, or a service that does not answer or reads with another
            model.
        BarError: too few corrections, the new model is not better, or the service does not take it.
        KeyboardInterrupt: a signal ended the training; the same command continues it.
    """
    lines = correction_lines(config.from_corrections, unreviewed=config.all)
    report(lines.resolved)
    _require_enough(lines, config)
    if config.models is not None and not config.models.is_dir():
        raise InputError(f"--models {config.models} is no folder; give the one of the service")
    service = None if config.service is None else ServiceClient(config.service, config.token)
    folder = RetrainFolder(config)
    base = config.base or folder.base or _served_base(config, service)
    old = find_model(base)
    guards = _open_guards(config)
    if not folder.is_finished:  # else the service may read with the new model already
        _require_served(service, old)
    folder.begin(_made_of(config, lines, old), base, report)
    splits = _split(folder, lines, config, report)
    best = _train(folder, splits, base, config, report)
    new = find_model(best)
    if not folder.is_finished:
        kept, guarded = _compare(old, new, open_dataset(str(splits[Side.TEST])), guards)
        folder.finish([kept, *guarded], _shortcomings(kept, guarded, config))
    for said in folder.summaries:
        report(said)
    if folder.shortcomings:
        raise BarError(f"the new model is not put into service: {'; '.join(folder.shortcomings)}")
    return _hand_over(new, best, old, config, service, report)


def _made_of(config: RetrainConfig, lines: LabelledLines, old: FoundModel) -> dict[str, Any]:
    """Whatever the run depends on; with anything else it is another run."""
    digest = hashlib.sha256()
    for entry, image in zip(lines.entries, lines.images, strict=True):
        for part in (entry.id.encode(), entry.text.encode(), image.read()):
            digest.update(b"%d:" % len(part) + part)
    options = config.model_dump(
        mode="json",
        include={"train", "guard", "max_drop", "sure", "epochs", "steps", "max_minutes", "lr", "seed"},
    )
    return {"corrections": digest.hexdigest(), "base": old.manifest.digest, **options}


def _require_enough(lines: LabelledLines, config: RetrainConfig) -> None:
    count = len(lines.entries)
    if count >= config.min_lines:
        return
    waiting = sum(reject.reason is RejectReason.NOT_REVIEWED for reject in lines.rejects)
    hint = f"; {waiting} wait for review, on the page review.html" if waiting else ""
    raise BarError(
        f"{config.from_corrections} has {count} corrections to train on, under --min {config.min_lines}{hint}"
        "; nothing was done"
    )


def _served_base(config: RetrainConfig, service: ServiceClient | None) -> str:
    """The model that the service reads with; without a service the base."""
    if service is None:
        return BASE
    name = service.active().name
    if name == BASE:
        return BASE
    assert config.models is not None
    place = config.models / name
    if not place.is_dir():
        raise InputError(
            f"the service reads with {name}, which is no folder in --models {config.models}; "
            "give it with --base"
        )
    return str(place)


def _require_served(service: ServiceClient | None, old: FoundModel) -> None:
    """Better than the model before means better than the one that is replaced."""
    if service is None or (active := service.active()).digest == old.manifest.digest:
        return
    raise InputError(
        f"the service reads with {active.name} ({(active.digest or '')[:12]}), and the new model would be "
        f"compared with {old.manifest.name} ({old.manifest.digest[:12]}); give the former as --base"
    )


def _open_guards(config: RetrainConfig) -> list[LineDataset]:
    guards = [open_dataset(path) for path in config.guard]
    for guard in guards:
        if guard.weight != 1:
            raise InputError(
                f"--guard {guard.name}@{guard.weight:g}: a weight means nothing here; leave it out"
            )
    return guards


def _split(
    folder: RetrainFolder, lines: LabelledLines, config: RetrainConfig, report: Report
) -> dict[Side, Path]:
    """Write the lines and lay them on sides, whole pages where their sizes allow it."""
    dataset, split = folder.path / "dataset", folder.path / "split"
    if not dataset.is_dir():
        imported = import_lines(lines, dataset)
        report(f"{imported.lines} lines in {imported.path}")
    if not split.is_dir():
        plan = _plan(open_dataset(str(dataset)), config.seed, report)
        write_split(plan, split)
        for side, count in plan.counts.items():
            report(f"{side:5}  {count.lines} lines of {count.groups} {_called(plan)}")
    return {side: split / f"{side}.txt" for side in Side}


def _plan(dataset: LineDataset, seed: int, report: Report) -> SplitPlan:
    pages = len(group_lines(names_of(dataset)).counts)
    if pages >= len(SHARES.sides):
        plan = plan_split([dataset], SHARES, BY_PAGE, seed)
        if plan.faults(seed).sides_off == 0:
            return plan
        better = plan.better_seed()
        if better is not None and plan.faults(better).sides_off == 0:
            report(
                f"the pages are uneven: kept back by --seed {better}, which later rounds should be given too"
            )
            return plan_split([dataset], SHARES, BY_PAGE, better)
    report(
        f"the corrections come from {pages} pages, too few or too uneven to keep whole ones back: lines are "
        "kept back one by one, and the score on them flatters"
    )
    return plan_split([dataset], SHARES, BY_LINE, seed)


def _called(plan: SplitPlan) -> str:
    return "pages" if plan.grouping.by == BY_PAGE else "places"


def _train(
    folder: RetrainFolder, splits: dict[Side, Path], base: str, config: RetrainConfig, report: Report
) -> Path:
    """Train, or go on training; the bundle that counts."""
    run = folder.path / "run"
    if folder.is_finished:
        return run / "best"
    resume = (run / "state" / "state.pt").is_file()
    wanted = TrainConfig(
        train=(str(splits[Side.TRAIN]), *config.train),
        val=(str(splits[Side.VAL]),),
        output=run,
        base=base,
        vocab="keep",  # what is in service may read other material too
        epochs=config.epochs,
        steps=config.steps,
        max_minutes=config.max_minutes,
        lr=config.lr,
        device=config.device,
        seed=config.seed,
        overwrite=not resume and run.exists(),  # it ended before there was anything to go on from
    )
    if resume:
        report(f"going on with the training in {run}")
    result = train(wanted, resume=resume)
    if result.stopped is not None:
        report("interrupted; the same command goes on from here")
        raise KeyboardInterrupt
    return result.best


def _compare(
    old: FoundModel, new: FoundModel, kept_back: LineDataset, guards: Sequence[LineDataset]
) -> tuple[Paired, list[Paired]]:
    recognizers = [OnnxRecognizer(model.manifest, model.onnx_path) for model in (old, new)]
    kept, *guarded = (
        pair(name, *(evaluate(recognizer, dataset) for recognizer in recognizers))
        for name, dataset in (("kept back", kept_back), *((f"guard {guard.name}", guard) for guard in guards))
    )
    return kept, guarded


def _shortcomings(kept: Paired, guarded: Sequence[Paired], config: RetrainConfig) -> list[str]:
    """Why the new model is not to be used."""
    found = []
    if not kept.is_better:
        found.append("it reads the lines kept back no better than the model before")
    elif config.sure and kept.chance >= SURE:
        found.append(f"its gain on the lines kept back may be chance (--sure: p = {kept.chance:.2g})")
    found += [
        f"it loses {guard.drop:.1%} on {guard.name}, over --max-drop {config.max_drop:g}"
        for guard in guarded
        if guard.drop > config.max_drop
    ]
    return found


def _hand_over(
    new: FoundModel,
    best: Path,
    old: FoundModel,
    config: RetrainConfig,
    service: ServiceClient | None,
    report: Report,
) -> Path:
    """Copy the model to where the service finds it, and make it active."""
    if config.models is None:
        report(f"better: {best}; serve it with: ocrtune serve -m {config.output / 'run'}")
        return best
    digest = new.manifest.digest
    place = config.models / f"corrections-{digest[:8]}"
    if not place.exists():
        with staged_folder(place) as staging:
            shutil.copytree(best, staging, dirs_exist_ok=True)
    elif ModelBundle.open(place).manifest.digest != digest:
        raise InputError(f"{place} is another model; move it away")
    report(f"better: {place}")
    if service is None:
        return place
    active = service.active()
    if active.digest == digest:
        report(f"{config.service} reads with it already")
        return place
    if active.digest != old.manifest.digest:
        raise BarError(
            f"the service reads with {active.name} by now, which the new model was not compared with; "
            f"start again with --base {config.models / active.name}"
        )
    service.activate(place.name, digest)
    report(f"{config.service} reads with {place.name} ({digest[:12]}); the model before is one step back")
    return place
