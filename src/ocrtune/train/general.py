"""The general lines of a run: those it replays, and those that guard it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ocrtune.config import TrainConfig
from ocrtune.data.audit import audit_lines, enforce_max_bad, require_train_lines
from ocrtune.data.dataset import LineDataset, open_dataset
from ocrtune.data.rejects import RejectReason
from ocrtune.errors import InputError
from ocrtune.train.transfer import resembling
from ocrtune.train.validation import thinned

if TYPE_CHECKING:
    from ocrtune.data.general_lines import GeneralLines
    from ocrtune.train.material import Start

REPLAY_LINES = 6000
"""Made lines that are replayed, in new looks when they come again. They show every symbol in common use and
three quarters of all 18,709; to find their texts takes 3 s."""

GUARD_LINES = 300
"""General lines that are read with every validation, at most."""

REPLAY_PROFILE, GUARD_PROFILE = "form-scan", "screen"
"""Looks of the made lines: what is replayed must not be what is measured."""

REPLAY_SEED, GUARD_SEED = 1, 2

UNKNOWN_SHARE = 0.5
"""Of a guard's lines in symbols that the model does not have, above which the set is of another alphabet."""


@dataclass(frozen=True, slots=True)
class GeneralSets:
    """General lines of both kinds."""

    replay: LineDataset | None
    guard: LineDataset | None
    digests: dict[str, str]
    """PATH as given to the digest of its labels."""


def is_wanted(config: TrainConfig, given: str | None) -> bool:
    """Whether general lines are used: if asked for, or if all symbols are kept and so all shall be read."""
    return given != "none" if given is not None else config.vocab == "keep"


def open_general(config: TrainConfig, start: Start, note: Callable[[str], None]) -> GeneralSets:
    """Open or make the general lines that `--replay` and `--guard` ask for.

    Raises:
        InputError: a set that cannot be read, of another alphabet, or too small; no font to draw lines with.
        BarError: more than `--max-bad` of the replayed lines is unusable.
    """
    replay, guard = (
        given or "auto" if is_wanted(config, given) else None for given in (config.replay, config.guard)
    )
    made = None
    if "auto" in (replay, guard):
        made = _made_lines(config, start, note)
        if made is None:
            replay, guard = (None if given == "auto" else given for given in (replay, guard))
    digests: dict[str, str] = {}
    replay_lines = guard_lines = None
    if replay == "auto" and made is not None:
        added = start.change.added if start.change is not None else ()
        alike = resembling(added, start.known_charset())
        replay_lines = made.all_symbols("replay", REPLAY_LINES, REPLAY_SEED, REPLAY_PROFILE, alike)
    elif replay is not None:
        replay_lines = _given_replay(config, start, replay, digests, note)
    if guard == "auto" and made is not None:
        guard_lines = made.everyday("guard", GUARD_LINES, GUARD_SEED, GUARD_PROFILE)
    elif guard is not None:
        guard_lines = _given_guard(config, start, guard, digests, note)
    for lines in (replay_lines, guard_lines):
        if lines is not None:
            note(lines.resolved)
    return GeneralSets(replay_lines, guard_lines, digests)


def _made_lines(config: TrainConfig, start: Start, note: Callable[[str], None]) -> GeneralLines | None:
    """Draws general lines; None where nobody asked for them and there is nothing to draw with."""
    asked = "auto" in (config.replay, config.guard)
    if importlib.util.find_spec("uharfbuzz") is None:
        if asked:
            raise InputError("drawing general lines needs uharfbuzz: pip install 'ocrtune[synth]'")
        note("without uharfbuzz no general lines can be drawn, so nothing guards against forgetting")
        return None
    from ocrtune.data.general_lines import GeneralLines

    try:
        return GeneralLines.of(start.known_charset().symbols, config.fonts)
    except InputError as error:
        if asked or config.fonts:
            raise
        note(f"nothing guards against forgetting: {error}")
        return None


def _given_replay(
    config: TrainConfig, start: Start, path: str, digests: dict[str, str], note: Callable[[str], None]
) -> LineDataset:
    dataset = _opened("replay", path, config)
    digests[dataset.name] = dataset.digest
    audit = audit_lines(dataset, start.charset, start.spec, start.network.steps, layout=start.layout)
    if audit.rejects:
        note(audit.summary())
    enforce_max_bad(audit, audit.total, config.max_bad)
    base = start.known_charset()
    known = [i for i in audit.kept if not base.unknown(dataset.entries[i].text)]
    if len(known) < len(audit.kept):
        note(
            f"replay: {len(audit.kept) - len(known)} lines are left out, as they show symbols that the base "
            "does not know and so has no reading of"
        )
    require_train_lines(dataset.name, len(known))
    return dataset.select(known)


def _given_guard(
    config: TrainConfig, start: Start, path: str, digests: dict[str, str], note: Callable[[str], None]
) -> LineDataset:
    """At most `GUARD_LINES` lines of a set, of symbols that the base has: others can only be gained."""
    whole = _opened("guard", path, config)
    digests[whole.name] = whole.digest
    dataset = thinned(whole, 2 * GUARD_LINES)
    audit = audit_lines(dataset, start.known_charset(), start.spec, lambda width: width * 1000)
    unknown = audit.counts().get(RejectReason.UNKNOWN_SYMBOL, 0)
    if unknown > UNKNOWN_SHARE * audit.total:
        shown = " ".join(map(repr, list(audit.unknown_symbols)[:20]))
        raise InputError(
            f"--guard {path}: {unknown} of {audit.total} lines have symbols that the model does not read, "
            f"such as {shown}; give lines in its alphabet, or keep the base's symbols with --vocab keep"
        )
    if not audit.kept:
        raise InputError(f"--guard {path} has no line that can be read; give labelled general lines")
    if audit.rejects:
        note(f"guard: {audit.summary()}")
    chosen = thinned(dataset.select(audit.kept), GUARD_LINES)
    return replace(chosen, resolved=f"guard: {len(chosen)} of the {len(whole)} lines of {whole.name}")


def _opened(option: str, path: str, config: TrainConfig) -> LineDataset:
    try:
        dataset = open_dataset(path, config.images)
    except InputError as error:
        raise InputError(f"--{option} {path}: {error}") from error
    if dataset.weight != 1:
        raise InputError(f"--{option} {path}: a weight means nothing here; leave @{dataset.weight:g} out")
    if not len(dataset):
        raise InputError(f"--{option} {path} has no labelled lines; give general lines, or auto")
    return dataset
