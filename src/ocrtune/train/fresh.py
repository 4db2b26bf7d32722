"""Networks that start from random weights: what `--arch` names, and the images each is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from ocrtune.bundle import Architecture, Option
from ocrtune.data.dataset import LineDataset
from ocrtune.data.images import ImageError
from ocrtune.models import NETWORKS, canonical_name
from ocrtune.preprocess import PreprocessSpec, width_buckets

EASYOCR = "easyocr-gen2"
"""Name of EasyOCR's second generation: CRNN with half its channels, on lines of twice its height."""

SHARE_THAT_FITS = 0.95
"""Of the lines, at the width of a network that straightens them; the longest are squeezed."""
WIDTHS = width_buckets(96, 1024, multiple=32)
"""px; of which such a network has one."""
MEASURED_LINES = 300
"""Lines of each set whose proportions are looked at."""


def fresh_spec(arch: str) -> PreprocessSpec:
    """The preprocessing of `--arch` where it reads lines of any width."""
    if arch == "ppocrv6-small":
        return PreprocessSpec()
    if arch == EASYOCR:
        buckets = width_buckets(64, 3424, multiple=32)
        return PreprocessSpec(height=64, width_buckets=buckets, channels="gray", padding="edge")
    return PreprocessSpec(height=32, width_buckets=width_buckets(32, 1712), channels="gray")


def fresh_network(
    arch: str, texts: Iterable[str], datasets: Iterable[LineDataset], note: Callable[[str], None]
) -> tuple[Architecture, PreprocessSpec]:
    """Network and preprocessing for `--arch`, with what only the lines can tell.

    Args:
        arch: as the user spells it.
        texts: all labels, whose longest an attention decoder must reach.
        datasets: whose images are measured where a network has one width.
        note: is told what was chosen.

    Raises:
        InputError: there is no such network.
    """
    if arch.lower() == EASYOCR:
        return Architecture(name="crnn", options={"channels": 256}), fresh_spec(EASYOCR)
    name = canonical_name(arch)
    spec, options = fresh_spec(name), dict[str, Option]()
    if "width" in NETWORKS[name].options:
        width = fitting_width(datasets, spec.height)
        options["width"] = width
        spec = spec.model_copy(update={"width_buckets": (width,)})
        note(
            f"{name} reads images of one size, {spec.height} x {width} px: "
            f"{SHARE_THAT_FITS:.0%} of the lines fit, the others are squeezed"
        )
    if NETWORKS[name].classes == "attention":
        options["max_length"] = longest_text(texts)
        note(f"{name} emits at most {options['max_length']} symbols, as many as the longest label has")
    return Architecture(name=name, options=options), spec


def longest_text(texts: Iterable[str]) -> int:
    """Code points of the longest label; a symbol has one or more."""
    return max(1, *map(len, texts), 1)


def fitting_width(datasets: Iterable[LineDataset], height: int) -> int:
    """The smallest of `WIDTHS` into which `SHARE_THAT_FITS` of the lines fit at `height` px."""
    aspects = []
    for dataset in datasets:
        count = min(len(dataset), MEASURED_LINES)
        for index in (i * len(dataset) // count for i in range(count)):
            try:
                lines, columns = dataset.image(index).shape[:2]
            except ImageError:
                continue  # the audit counts and lists it
            aspects.append(columns / lines)
    needed = (
        height * float(np.quantile(aspects, SHARE_THAT_FITS, method="inverted_cdf")) if aspects else WIDTHS[0]
    )
    return next((width for width in WIDTHS if width >= needed), WIDTHS[-1])
