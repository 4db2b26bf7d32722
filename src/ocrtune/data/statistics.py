"""What labelled lines hold, one line at a time: no image is kept, and one dataset's labels."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ocrtune.data.dataset import LineDataset
from ocrtune.data.groups import BY_PAGE, group_lines
from ocrtune.data.headers import image_size
from ocrtune.data.images import ImageError
from ocrtune.data.origins import names_of
from ocrtune.data.rejects import Reject, RejectReason
from ocrtune.decoding import ctc_steps_needed
from ocrtune.preprocess import PreprocessSpec

STRIDES = (8, 4)
"""px of input width per time step that the base can have."""

_PROGRESS_EVERY = 100
_CATEGORIES = {"N": "digits", "P": "punctuation", "S": "signs", "Z": "spaces", "C": "control characters"}


class Distribution:
    """How often each whole number occurs."""

    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()

    def add(self, value: int) -> None:
        """Count one."""
        self.counts[value] += 1

    def at(self, share: float) -> int:
        """The smallest value that at least this share (0..1) does not exceed; 0 where nothing was counted."""
        wanted = share * self.counts.total()
        seen = 0
        for value in sorted(self.counts):
            seen += self.counts[value]
            if seen >= wanted:
                return value
        return 0

    def share_above(self, bound: int) -> float:
        """Share (0..1) of the values over `bound`."""
        total = self.counts.total()
        return sum(n for value, n in self.counts.items() if value > bound) / total if total else 0.0

    def to_json(self) -> dict[str, object]:
        """Quantiles, and how often each value occurs."""
        quantiles = {name: self.at(share) for name, share in QUANTILES.items()}
        return {**quantiles, "counts": {str(value): self.counts[value] for value in sorted(self.counts)}}


QUANTILES = {"least": 0.0, "1 %": 0.01, "middle": 0.5, "99 %": 0.99, "most": 1.0}


@dataclass
class SetStatistics:
    """Counted over several datasets."""

    lines: int = 0
    """With a text, whether or not the image can be used."""
    sources: dict[str, int] = field(default_factory=dict)
    """Lines of each dataset, by its name."""
    groups: Counter[str] = field(default_factory=Counter)
    """Lines of each page that image names tell."""
    rejects: Counter[RejectReason] = field(default_factory=Counter)
    first_reject: Reject | None = None
    lengths: Distribution = field(default_factory=Distribution)
    """Symbols of a label, NFC."""
    widths: Distribution = field(default_factory=Distribution)
    """px."""
    heights: Distribution = field(default_factory=Distribution)
    """px."""
    tenth_aspects: Distribution = field(default_factory=Distribution)
    """Width over height, in tenths."""
    input_widths: Distribution = field(default_factory=Distribution)
    """px at the base's height, before the widest bucket cuts."""
    px_per_step: Distribution = field(default_factory=Distribution)
    """px of input that each time step which a label needs at least can have: narrow repeats have few."""
    too_long: Counter[int] = field(default_factory=Counter)
    """Labels that need more time steps than the input gives, by px per step."""
    symbols: Counter[str] = field(default_factory=Counter)
    """Occurrences."""

    @property
    def measured(self) -> int:
        """Lines whose image has a size."""
        return self.heights.counts.total()

    def scripts(self) -> Counter[str]:
        """Occurrences of symbols by script, as Unicode names tell it, or by kind."""
        found: Counter[str] = Counter()
        for symbol, count in self.symbols.items():
            found[script_of(symbol)] += count
        return found

    def refuse(self, reject: Reject) -> None:
        """Count a line that cannot be used."""
        self.rejects[reject.reason] += 1
        self.first_reject = self.first_reject or reject

    def add_text(self, text: str) -> None:
        """Count a label."""
        symbols = unicodedata.normalize("NFC", text)
        self.lines += 1
        self.lengths.add(len(symbols))
        self.symbols.update(symbols)

    def add_size(self, height: int, width: int, text: str, spec: PreprocessSpec) -> None:
        """Count an image of this size in px and whether its label fits."""
        self.heights.add(height)
        self.widths.add(width)
        self.tenth_aspects.add(round(10 * width / height))
        natural = math.ceil(spec.height * width / height * spec.stretch)
        self.input_widths.add(natural)
        classes = [ord(symbol) for symbol in unicodedata.normalize("NFC", text)]
        needed = ctc_steps_needed(classes)
        given = spec.bucket_of(spec.line_width_of(height, width))
        self.px_per_step.add(min(natural, spec.width_buckets[-1]) // needed)
        for stride in STRIDES:
            self.too_long[stride] += needed > given // stride

    def to_json(self) -> dict[str, object]:
        """All figures."""
        return {
            "lines": self.lines,
            "images_measured": self.measured,
            "sources": self.sources,
            "groups": dict(self.groups.most_common()),
            "rejects": {str(reason): count for reason, count in self.rejects.most_common()},
            "label_length": self.lengths.to_json(),
            "width_px": self.widths.to_json(),
            "height_px": self.heights.to_json(),
            "aspect_tenths": self.tenth_aspects.to_json(),
            "input_width_px": self.input_widths.to_json(),
            "px_per_step_needed": self.px_per_step.to_json(),
            "labels_too_long_at_stride": {str(stride): self.too_long[stride] for stride in STRIDES},
            "scripts": dict(self.scripts().most_common()),
            "symbols": dict(self.symbols.most_common()),
        }


def count_lines(
    datasets: Iterable[LineDataset], progress: Callable[[int, int], None] | None = None
) -> SetStatistics:
    """Count every line of `datasets`, which may be opened one after the other.

    Args:
        datasets: each is let go before the next is taken.
        progress: called now and then with (lines done, lines in all) of one dataset.
    """
    spec = PreprocessSpec()  # the base's
    counted = SetStatistics()
    for dataset in datasets:
        counted.sources[dataset.name] = counted.sources.get(dataset.name, 0) + len(dataset)
        for reject in dataset.rejects:
            counted.refuse(reject)
        grouping = group_lines(names_of(dataset), BY_PAGE)
        counted.groups.update(
            page for own, page in zip(grouping.ids, grouping.names, strict=True) if page != own
        )
        for index, (entry, image) in enumerate(zip(dataset.entries, dataset.images, strict=True), start=1):
            counted.add_text(entry.text)
            try:
                height, width = image_size(image.read(), image.where)
            except ImageError as error:
                detail = f"{image.where}: {error.detail}"
                counted.refuse(Reject(entry.id, entry.source, error.reason, detail))
            else:
                counted.add_size(height, width, entry.text, spec)
            if progress is not None and (index % _PROGRESS_EVERY == 0 or index == len(dataset)):
                progress(index, len(dataset))
    return counted


def script_of(symbol: str) -> str:
    """`Latin`, `Han` …, or the kind of a symbol that belongs to no script."""
    plain = unicodedata.normalize("NFKC", symbol)[
        0
    ]  # a full-width or ligature form is of its letter's script
    category = unicodedata.category(plain)[0]
    if category in _CATEGORIES:
        return _CATEGORIES[category]
    name = unicodedata.name(plain, "unknown")
    first = name.replace("-", " ").split()[0]
    return {"CJK": "Han", "COMBINING": "combining marks"}.get(first, first.capitalize())
