"""Models in words, for `ocrtune info` and `ocrtune models`."""

from __future__ import annotations

from collections.abc import Iterator

from ocrtune.reading.models import FoundModel

SHOWN_SYMBOLS = 100
"""Enough to see which script a charset is of."""


def describe(model: FoundModel) -> list[tuple[str, str]]:
    """(label, value) pairs that say what a model is; a label may stand for several rows."""
    return list(_rows(model))


def _rows(model: FoundModel) -> Iterator[tuple[str, str]]:
    manifest, spec = model.manifest, model.manifest.preprocess
    options = dict(manifest.architecture.options)
    looks = options.pop("second_looks", ())
    either_case = f"; {len(looks)} letters read in either case" if isinstance(looks, tuple) and looks else ""
    sizes = ", ".join(f"{name}={value}" for name, value in options.items())
    shown = "".join(manifest.symbols[:SHOWN_SYMBOLS])
    yield "Name", manifest.name
    yield (
        "Architecture",
        f"{manifest.architecture.name} ({sizes})" if sizes else manifest.architecture.name,
    )
    yield "Symbols", f"{len(manifest.symbols):,}, {manifest.normal_form}{either_case}"
    yield "", shown + ("…" if len(manifest.symbols) > SHOWN_SYMBOLS else "")
    narrow, wide = spec.width_buckets[0], spec.width_buckets[-1]
    widths = f"{wide} px wide" if narrow == wide else f"{narrow} to {wide} px wide"
    form = "every line stretched to that" if spec.fit == "fill" else f"stretch {spec.stretch:g}"
    yield (
        "Preprocess",
        f"{spec.height} px high, {widths}, {spec.channels}, {spec.interpolation}, {form}",
    )
    yield "Licence", manifest.licence
    yield "Origin", manifest.origin
    if manifest.parent is not None:
        yield "Tuned from", manifest.parent
    for path, digest in manifest.data.items():
        yield "Data", f"{path} ({digest[:12]})"
    for name, figures in manifest.metrics.items():
        yield "Metrics", f"{name}: " + ", ".join(f"{key} {value:.4g}" for key, value in figures.items())
    yield "Digest", manifest.digest
    files = ", ".join(manifest.files) if model.bundle is not None else str(model.onnx_path)
    yield "Files", f"{files} (verified)" if model.bundle is not None else files
