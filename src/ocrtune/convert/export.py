"""`ocrtune export`: from MODEL to one verified file for another runtime; and MODEL's network in torch."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from ocrtune.bundle import WEIGHTS_FILE, ModelBundle
from ocrtune.convert.onnx_export import INPUT, OUTPUT, export_onnx, verify_onnx
from ocrtune.convert.ppocr import load_ppocrv6_small
from ocrtune.data.dataset import open_dataset
from ocrtune.errors import InputError
from ocrtune.models import build
from ocrtune.output import refuse_existing
from ocrtune.preprocess import PreprocessSpec
from ocrtune.reading.models import BASE, FoundModel, find_model
from ocrtune.reading.onnx_session import open_session
from ocrtune.records import Image

DRAWN_LINES = 32
REPLAYED_LINES = 200
"""At most so many lines of each given dataset are replayed, evenly spread."""
TIMED_WIDTH = 320
"""px; the width at which recognisers of this family are usually timed."""
TIMED_RUNS = 20


@dataclass(frozen=True, slots=True)
class ExportResult:
    """A written export and what its check found."""

    path: Path
    lines_checked: int
    texts_differ: int
    """Lines read differently, each at a tie between two symbols; any other difference is an error."""
    max_difference: float
    """Largest difference of a probability."""
    ms_torch: float
    """Median ms for one line of 320 px, or of the one width that is read, at batch 1, preprocessing not
    included."""
    ms_onnx: float
    """The same in ONNX Runtime."""


def export_onnx_model(
    model: str, output: Path, overwrite: bool = False, data: Sequence[str] = ()
) -> ExportResult:
    """Write MODEL as an ONNX file that reads what torch reads, or refuse to.

    Args:
        model: a base's name, a run folder or a bundle.
        output: the file to write.
        overwrite: whether an older one there may go.
        data: datasets whose lines are replayed; without any, lines drawn here.

    Raises:
        InputError: MODEL or a dataset cannot be read, or `output` not written.
        BarError: the export reads a line differently; nothing is written then.
    """
    refuse_existing(output, overwrite=overwrite)
    found = find_model(model)
    network = trained_network(found)
    images = _replayed_lines(data) if data else drawn_lines(DRAWN_LINES)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as folder:
            staging = Path(folder) / output.name
            export_onnx(network, found.manifest, staging)
            parity = verify_onnx(network, found.manifest, staging, images)
            ms_torch, ms_onnx = _time_both(network, staging, found.manifest.preprocess)
            staging.replace(output)
    except OSError as error:
        raise InputError(f"cannot write {output}: {error.strerror}; choose another place") from error
    return ExportResult(output, parity.lines, parity.texts_differ, parity.max_difference, ms_torch, ms_onnx)


def trained_network(found: FoundModel) -> nn.Module:
    """The network of a model that was found, with its weights, in eval mode.

    Raises:
        InputError: its weights cannot be read, or it is an ONNX file alone.
    """
    if found.bundle is not None:
        return load_network(found.bundle)
    if found.manifest.name == BASE:
        return load_ppocrv6_small(found.onnx_path)
    raise InputError(
        f"{found.onnx_path} is an ONNX file, whose weights torch cannot take over; "
        "give the run folder or the bundle it came from"
    )


def load_network(bundle: ModelBundle) -> nn.Module:
    """The network of a bundle with its weights, in eval mode.

    Raises:
        InputError: an unknown network, or weights that do not fit it.
    """
    manifest = bundle.manifest
    architecture = manifest.architecture
    # On the meta device, sizes that a manifest only claims take no memory.
    with torch.device("meta"):
        network = build(
            architecture.name, architecture.options, manifest.layout.num_classes(manifest.charset)
        )
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    arrays = bundle.load_weights()
    where = bundle.path / WEIGHTS_FILE
    for name in sorted(expected.keys() | arrays.keys()):
        if name not in arrays or name not in expected:
            lack = "lacks" if name in expected else "has an unknown"
            raise InputError(f"{where} {lack} {name}: it is not of {architecture.name}; train again")
        if arrays[name].shape != expected[name]:
            raise InputError(
                f"{where}: {name} has shape {arrays[name].shape}, but the manifest needs {expected[name]}"
            )
    # Copied because safetensors' arrays are read-only.
    state = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
    network.load_state_dict(state, assign=True)
    return network.eval()


def drawn_lines(count: int) -> list[Image]:
    """Simple lines of printable ASCII, 40 px high, from 2 to about 40 characters long."""
    lines = []
    for index in range(count):
        rng = np.random.default_rng(index)
        length = 2 + 38 * index // count
        text = "".join(map(chr, rng.integers(0x21, 0x7F, length)))
        (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.8, 2)
        line = np.full((40, width + 12, 3), rng.integers(200, 256, 3), np.uint8)
        ink = rng.integers(0, 100, 3).tolist()
        cv2.putText(line, text, (6, 28), cv2.FONT_HERSHEY_SIMPLEX, 0.8, ink, 2, cv2.LINE_AA)
        lines.append(line)
    return lines


def _replayed_lines(data: Sequence[str]) -> list[Image]:
    """Up to `REPLAYED_LINES` images of each dataset."""
    images = []
    for dataset in map(open_dataset, data):
        count = min(len(dataset), REPLAYED_LINES)
        images += [dataset.image(i * len(dataset) // count) for i in range(count)]
    if not images:
        raise InputError(f"--data {' '.join(data)} holds no lines to replay; leave it out or give others")
    return images


def _time_both(network: nn.Module, path: Path, spec: PreprocessSpec) -> tuple[float, float]:
    """Median ms for one line in torch and in ONNX Runtime."""
    width = network.fixed_width or TIMED_WIDTH
    batch = np.zeros((1, spec.num_channels, spec.height, width), np.float32)
    images = torch.from_numpy(batch)
    session = open_session(path)
    with torch.inference_mode():
        ms_torch = _median_ms(lambda: network(images).softmax(2))
    return ms_torch, _median_ms(lambda: session.run([OUTPUT], {INPUT: batch}))


def _median_ms(run: Callable[[], object]) -> float:
    times = []
    for _ in range(3 + TIMED_RUNS):
        start = time.perf_counter()
        run()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times[3:])  # the first ones set up caches
