"""What a run works on, complete before the first step: usable lines, charset, network, preprocessing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from ocrtune.bundle import Architecture, Option
from ocrtune.charset import Charset
from ocrtune.config import TrainConfig
from ocrtune.convert.export import trained_network
from ocrtune.data.audit import Audit, audit_lines, enforce_max_bad, require_eval_lines, require_train_lines
from ocrtune.data.dataset import LineDataset, open_dataset
from ocrtune.data.proposals import TIGHT_SHARE
from ocrtune.data.rejects import Reject, RejectReason
from ocrtune.data.split import duplicates_between, split_validation
from ocrtune.decoding import ClassLayout
from ocrtune.errors import InputError
from ocrtune.models import NETWORKS, build
from ocrtune.preprocess import PreprocessSpec
from ocrtune.reading.models import FoundModel, find_model
from ocrtune.train.fresh import fresh_network, longest_text
from ocrtune.train.general import open_general
from ocrtune.train.rare_symbols import raised_weights
from ocrtune.train.transfer import (
    CharsetChange,
    case_pairs,
    change_charset,
    missing_case,
    plan_charset,
    without_case,
)
from ocrtune.train.visits import Visits, which_fade


@dataclass(frozen=True, slots=True)
class Start:
    """The network that training starts from, already with the new charset."""

    network: nn.Module
    architecture: Architecture
    charset: Charset
    layout: ClassLayout
    spec: PreprocessSpec
    base: FoundModel | None
    """None for random weights."""
    change: CharsetChange | None
    licence: str
    origin: str
    case_pairs: tuple[tuple[int, int], ...] = ()
    """Classes of letters whose case the labels do not tell: with `--vocab keep` and labels of one case."""

    def added_classes(self) -> list[int]:
        """Classes of the symbols that the base does not know."""
        added = self.change.added if self.change is not None else ()
        return [self.classes_of(symbol)[0] for symbol in added]

    def classes_of(self, text: str) -> list[int]:
        """Classes of the symbols of a text that the charset can write."""
        return self.layout.to_classes(self.charset.encode(text))

    def known_charset(self) -> Charset:
        """The symbols that the base knows, which general lines are written in."""
        if self.change is None or not self.change.added:
            return self.charset
        known = [symbol for symbol in self.charset.symbols if symbol not in self.change.added]
        return Charset(tuple(known), self.charset.normal_form)


@dataclass(frozen=True, slots=True)
class Lines:
    """Usable lines of both sides, and what was left out."""

    train: LineDataset
    weights: tuple[float, ...]
    """Visits of each training line in an epoch, as a mean over the run."""
    widths: tuple[int, ...]
    """Input width in px of each training line, padding included."""
    val: LineDataset
    rejects: tuple[Reject, ...]
    digests: dict[str, str]
    """PATH as given to the digest of its labels."""
    only_made_validate: bool = False
    """No real line tells how well real lines are read."""
    replay: LineDataset | None = None
    """General lines to train beside the others."""
    guard: LineDataset | None = None
    """General lines to read with every validation."""
    fading: tuple[bool, ...] = ()
    """Whether a training line comes less and less often; none does if it is empty."""

    def visits(self, epochs: int) -> Visits:
        """Of the training lines, in a run of so many epochs."""
        return Visits(self.weights, self.fading, epochs)


@dataclass(frozen=True, slots=True)
class OpenedSets:
    """Datasets as given, before anything is known about the charset."""

    train: tuple[LineDataset, ...]
    val: tuple[LineDataset, ...]
    digests: dict[str, str]
    """PATH as given to the digest of its labels, before any split."""
    other_texts: tuple[str, ...] = ()
    """Texts that the model is to read later: the charset gets their symbols too."""

    def texts(self) -> list[str]:
        """All labels, and the other texts."""
        labels = [entry.text for dataset in (*self.train, *self.val) for entry in dataset.entries]
        return [*labels, *self.other_texts]


def open_sets(config: TrainConfig, note: Callable[[str], None]) -> OpenedSets:
    """Open the datasets of a run; without `--val`, split a tenth off each, by the names of its lines.

    Made lines only validate where there are no others: they cannot tell which weights read real ones better.
    """
    sets = _open_and_split(config, note)
    return sets if config.vocab not in ("data", "keep") else _labelled_alike(sets, note)


def _open_and_split(config: TrainConfig, note: Callable[[str], None]) -> OpenedSets:
    train = tuple(open_dataset(path, config.images) for path in config.train)
    for dataset in train:
        note(dataset.resolved)
    if config.val:
        val = tuple(open_dataset(path, config.images) for path in config.val)
        for dataset in val:
            if dataset.weight != 1:
                raise InputError(
                    f"--val {dataset.name}@{dataset.weight:g}: a weight means nothing when measuring; "
                    "leave it out"
                )
            note(dataset.resolved)
        return OpenedSets(train, val, {dataset.name: dataset.digest for dataset in (*train, *val)})
    for dataset in train:
        require_train_lines(dataset.name, len(dataset))
    all_made = all(dataset.is_made for dataset in train)
    split = [split_validation(dataset) for dataset in train if all_made or not dataset.is_made]
    whole = () if all_made else tuple(dataset for dataset in train if dataset.is_made)
    digests = {dataset.name: dataset.digest for dataset in train}
    opened = OpenedSets((*(t for t, _, _ in split), *whole), tuple(v for _, v, _ in split), digests)
    for _, _, grouping in split:
        note(grouping.summary())
    count = sum(map(len, opened.val))
    note(f"no --val given: {count} lines, whole groups by name, are split off to validate on")
    for dataset in whole:
        note(f"{dataset.name}: made lines, all of them train, since real ones validate")
    return opened


def _labelled_alike(sets: OpenedSets, note: Callable[[str], None]) -> OpenedSets:
    """Give the labels of made lines the case of the real ones, where these have one only.

    Real labels in capitals for any print and made ones that tell the case contradict each other.
    """
    real = [e.text for dataset in (*sets.train, *sets.val) if not dataset.is_made for e in dataset.entries]
    missing = missing_case(real)
    if missing is None:
        return sets

    def alike(dataset: LineDataset) -> LineDataset:
        if not dataset.is_made:
            return dataset
        texts = [without_case(entry.text, missing) for entry in dataset.entries]
        changed = sum(text != entry.text for text, entry in zip(texts, dataset.entries, strict=True))
        if not changed:
            return dataset
        kept = "capitals" if missing == "lower" else "small letters"
        note(f"{dataset.name}: {changed} labels of made lines are put into {kept}, as the real labels are")
        entries = (replace(e, text=text) for e, text in zip(dataset.entries, texts, strict=True))
        return replace(dataset, entries=tuple(entries))

    return replace(sets, train=tuple(map(alike, sets.train)), val=tuple(map(alike, sets.val)))


def prepare_start(
    config: TrainConfig, sets: OpenedSets, note: Callable[[str], None], base: FoundModel | None
) -> Start:
    """Take the base, or make a network, and give it the charset that `--vocab` asks for."""
    texts = sets.texts()
    if config.base == "none":
        assert config.arch is not None  # the configuration holds this
        charset = _wanted_charset(config, None, texts)
        architecture, spec = fresh_network(config.arch, texts, sets.train, note)
        options = _stride_options(config, architecture.name, architecture.options)
        architecture = Architecture(name=architecture.name, options=options)
        layout = ClassLayout(NETWORKS[architecture.name].classes)
        network = build(architecture.name, options, layout.num_classes(charset))
        return Start(
            network, architecture, charset, layout, spec, None, None, "yours", "trained from random weights"
        )
    found = base or find_model(config.base)
    manifest = found.manifest
    charset = _wanted_charset(config, manifest.charset, texts)
    state, second_looks, change = change_charset(
        trained_network(found), manifest.charset, charset, manifest.layout
    )
    options = _stride_options(config, manifest.architecture.name, manifest.architecture.options)
    options = {name: value for name, value in options.items() if name != "second_looks"}
    if second_looks:
        options["second_looks"] = second_looks
    if manifest.layout.kind == "attention":
        reach, longest = int(str(options.get("max_length", 0))), longest_text(texts)
        if reach < longest:
            options["max_length"] = longest
            note(f"the base emits at most {reach} symbols; made {longest}, as many as the longest label has")
    architecture = Architecture(name=manifest.architecture.name, options=options)
    network = build(architecture.name, options, manifest.layout.num_classes(charset))
    network.load_state_dict(state)
    return Start(
        network,
        architecture,
        charset,
        manifest.layout,
        manifest.preprocess,
        found,
        change,
        manifest.licence,
        f"fine-tuned from {manifest.name}: {manifest.origin}",
    )


def prepare(
    config: TrainConfig,
    note: Callable[[str], None],
    base: FoundModel | None = None,
    sets: OpenedSets | None = None,
) -> tuple[Start, Lines]:
    """Open, load and check everything that a run works on.

    Validation lines are refused only if there is no text or no image: a symbol that the model does
    not know, or a label longer than it can read, counts as its error.

    Args:
        config: of the run.
        note: is told what was found and decided.
        base: the opened `--base`; without it, it is opened here.
        sets: the lines, where they are opened already, instead of those that `config` names.

    Raises:
        BarError: more than `--max-bad` of a dataset is unusable.
        InputError: unreadable input, or fewer than 10 lines to train or 1 to validate.
    """
    sets = sets or open_sets(config, note)
    start = prepare_start(config, sets, note, base)
    audits = _audit(start, sets.train)
    tight = sum(audit.counts().get(RejectReason.TOO_LONG, 0) for audit in audits)
    if (
        config.time_stride is None
        and start.architecture.options.get("time_stride") == 8
        and tight > TIGHT_SHARE * sum(map(len, sets.train))
    ):
        note(f"{tight} labels do not fit the base's 8 px per time step: training with --time-stride 4")
        start = prepare_start(config.model_copy(update={"time_stride": 4}), sets, note, base)
        audits = _audit(start, sets.train)
    val_audits = [
        audit_lines(dataset, Charset.from_texts(e.text for e in dataset.entries), start.spec, _unlimited)
        for dataset in sets.val
    ]
    for audit in (*audits, *val_audits):
        if audit.rejects:
            note(audit.summary())
        enforce_max_bad(audit, audit.total, config.max_bad)
    train, val = (
        _concatenate([dataset.select(audit.kept) for dataset, audit in zip(datasets, checked, strict=True)])
        for datasets, checked in ((sets.train, audits), (sets.val, val_audits))
    )
    # Without --val the lines that validate were counted as lines to train on.
    require_train_lines(train.name, len(train) + (0 if config.val else len(val)))
    require_eval_lines(val.name, len(val))
    audited = list(zip(sets.train, audits, strict=True))
    kept = [(dataset, size) for dataset, audit in audited for size in audit.sizes]
    if config.vocab == "keep":
        start = replace(
            start, case_pairs=case_pairs(start.charset, start.layout, [e.text for e in train.entries])
        )
    if start.case_pairs:
        note(
            "the labels have one case: they do not teach it and figures ignore it, so kept symbols are read "
            "as printed; for a model that answers in the labels' case leave --vocab keep out"
        )
    general = open_general(config, start, note)
    weights = tuple(dataset.weight for dataset, _ in kept)
    if config.symbol_visits is not None:
        weights = raised_weights([e.text for e in train.entries], weights, config.symbol_visits)
    lines = Lines(
        train=train,
        weights=weights,
        widths=tuple(start.spec.bucket_of(start.spec.line_width_of(*size)) for _, size in kept),
        val=val,
        rejects=tuple(reject for audit in (*audits, *val_audits) for reject in audit.rejects),
        digests=sets.digests | general.digests,
        only_made_validate=all(dataset.is_made for dataset in sets.val),
        replay=general.replay,
        guard=general.guard,
        fading=_fading(audited),
    )
    return start, lines


def warnings(config: TrainConfig, lines: Lines, charset: Charset) -> list[str]:
    """What is likely to disappoint, each with its remedy."""
    found = []
    if len(lines.train) < 500:
        found.append(
            f"only {len(lines.train)} training lines: below about 500 results vary a lot; "
            "label more lines, or add made ones that look like yours"
        )
    if config.lr is not None and config.lr > 1e-3 and config.base != "none":
        found.append(
            f"--lr {config.lr:g} is high for fine-tuning and may undo what the base knows; "
            "leave --lr out, or stay at or below 1e-3"
        )
    seen = set(Charset.from_texts(entry.text for entry in lines.train.entries).symbols)
    unseen = [s for s in Charset.from_texts(e.text for e in lines.val.entries).symbols if s not in seen]
    if unseen:
        found.append(
            f"{len(unseen)} symbols of the validation labels never occur in training: "
            f"{' '.join(map(repr, unseen[:20]))}; add lines with them"
        )
    unknown = [s for s in unseen if s not in charset]
    if unknown:
        found.append(
            f"the charset lacks {' '.join(map(repr, unknown[:20]))} of the validation labels: "
            "every such symbol counts as an error; add it to the --vocab file"
        )
    if duplicates := duplicates_between(lines.train, lines.val):
        found.append(
            f"{duplicates} of {len(lines.val)} validation lines are training lines too: "
            "the score will look better than it is; give --val lines that are not in --train"
        )
    return found


def _fading(audited: Iterable[tuple[LineDataset, Audit]]) -> tuple[bool, ...]:
    """Which of the kept lines fade."""
    fading = which_fade(
        (dataset.is_made, [dataset.entries[index].text for index in audit.kept]) for dataset, audit in audited
    )
    return tuple(fading) if any(fading) else ()


def _audit(start: Start, datasets: Iterable[LineDataset]) -> list[Audit]:
    """What training can use of each dataset."""
    return [
        audit_lines(dataset, start.charset, start.spec, start.network.steps, layout=start.layout)
        for dataset in datasets
    ]


def _wanted_charset(config: TrainConfig, base: Charset | None, texts: list[str]) -> Charset:
    if config.vocab in ("data", "keep"):
        return plan_charset(config.vocab, base, texts)
    return Charset.from_file(Path(config.vocab))


def _stride_options(config: TrainConfig, architecture: str, options: dict[str, Option]) -> dict[str, Option]:
    if config.time_stride is None:
        return options
    if architecture != "ppocrv6-small":
        raise InputError(f"--time-stride goes with ppocrv6-small only; this network is {architecture}")
    return {**options, "time_stride": config.time_stride}


def _concatenate(datasets: Iterable[LineDataset]) -> LineDataset:
    parts = list(datasets)
    return replace(
        parts[0],
        name=" + ".join(part.name for part in parts),
        entries=tuple(entry for part in parts for entry in part.entries),
        images=tuple(image for part in parts for image in part.images),
    )


def _unlimited(width: int) -> int:
    return width * 1000
