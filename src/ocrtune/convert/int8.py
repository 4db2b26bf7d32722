"""`ocrtune export --to int8`: written when it is faster on this machine and reads as well, measured here."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper

from ocrtune.bundle import ONNX_METADATA_KEY, Manifest
from ocrtune.convert.export import trained_network
from ocrtune.convert.onnx_export import INPUT, OUTPUT, export_onnx, verify_onnx
from ocrtune.convert.quantise import Batch, Quantiser
from ocrtune.convert.replay import Agreement, compare_texts, replay_lines, staged_file
from ocrtune.errors import BarError, InputError
from ocrtune.evaluate.metrics import measure
from ocrtune.preprocess import PreprocessSpec
from ocrtune.reading.models import find_model
from ocrtune.reading.recognizer import OnnxRecognizer
from ocrtune.records import Image

MOST_LOST = 0.002
"""CER that a written file may lose, as a fraction; the demand is 0.2 points."""
CANDIDATES = 0.98
"""Share of the work whose layers are tried; the many light ones cost accuracy and win no time."""
SHARE = 0.85
"""Share of the work that is done in 8 bits. Measured on PP-OCRv6 small, see the log of 2026-11-25."""

LINES = 1000
"""At most so many lines of each dataset: half to calibrate and choose on, half to measure on."""
DRAWN = 128
CALIBRATION = 96
"""Lines whose extremes give the ranges. With 48, and 8 probes, the untuned PP-OCRv6 small lost 0.10 points of
CER on receipts; with these it lost none."""
PROBES = 32
"""Lines on which each layer is tried."""
TIMED_LINES = 8
TIMED_ROUNDS = 7


@dataclass(frozen=True, slots=True)
class Int8Result:
    """A written 8-bit file and what was measured on the way."""

    path: Path
    size: int
    """Bytes."""
    float_size: int
    """Bytes of the float file."""
    calibrated: int
    """Lines the ranges are from."""
    agreement: Agreement
    """Float against 8-bit readings, on lines that neither the ranges nor the layers were chosen by."""
    cer: tuple[float, float]
    """Of the float and the 8-bit readings; against the labels, or the float readings where there are none."""
    ms: tuple[float, float]
    """Median processor time for a line, in float and in 8 bits, one thread, preprocessing not included."""
    speedup: float
    """Median over runs side by side of float over 8-bit time; above 1 is faster."""
    layers: tuple[str, ...]
    """Layers in 8 bits."""
    kept: tuple[str, ...]
    """Layers left in float, of those that could be in 8 bits."""

    @property
    def lost(self) -> float:
        """CER that was lost, as a fraction."""
        return self.cer[1] - self.cer[0]

    def __str__(self) -> str:
        return (
            f"CER {100 * self.cer[0]:.2f} -> {100 * self.cer[1]:.2f} % on {self.agreement.lines} lines, "
            f"{self.ms[0]:.1f} -> {self.ms[1]:.1f} ms a line on one thread, {self.speedup:.2f} x the speed"
        )


def export_int8(
    model: str,
    output: Path,
    *,
    data: Sequence[str] = (),
    force: bool = False,
    overwrite: bool = False,
    report: Callable[[str], None],
) -> Int8Result:
    """Write MODEL as an ONNX file whose heavy layers compute in 8-bit integers, if that pays here.

    Args:
        model: a base's name, a run folder or a bundle.
        output: the file to write.
        data: dataset PATHs like what will be read; half of the lines calibrate, the other half measure.
        force: write it even if it is slower or loses more than `MOST_LOST`.
        overwrite: whether an older one there may go.
        report: is told what is being done.

    Raises:
        InputError: no such model, no such dataset, too few lines, or the output cannot be written.
        BarError: it does not pay; nothing is written then.
    """
    with staged_file(output, overwrite=overwrite) as staging:
        found = find_model(model)
        network = trained_network(found)
        spec = found.manifest.preprocess
        if not data:
            report(f"no --data: calibrated and measured on {DRAWN} drawn lines, which yours may not be like")
        chosen_on, measured = replay_lines(data, LINES if data else DRAWN).every_other()
        if not chosen_on.images or not measured.images:
            raise InputError("--data has one line; int8 needs some to calibrate on and others to measure on")
        float_path = staging.with_name("float.onnx")
        export_onnx(network, found.manifest, float_path)
        verify_onnx(network, found.manifest, float_path, measured.first(32).images)
        calibration = chosen_on.first(CALIBRATION).images
        quantiser = Quantiser(float_path, [_batch(spec, image) for image in calibration], staging.parent)
        report(f"trying the heaviest of {len(quantiser.work)} layers alone in 8 bits")
        probes = [_batch(spec, image) for image in chosen_on.first(PROBES).images]
        layers = _choose_layers(quantiser, float_path, probes)
        graph = quantiser.quantise(layers)
        _describe(graph, found.manifest)
        onnx.save(graph, staging)
        readings = tuple(_read(found.manifest, path, measured.images) for path in (float_path, staging))
        truths = readings[0] if measured.texts is None else measured.texts
        ms, speedup = _time_both(
            float_path, staging, [_batch(spec, image) for image in measured.first(TIMED_LINES).images]
        )
        result = Int8Result(
            output,
            staging.stat().st_size,
            float_path.stat().st_size,
            len(calibration),
            compare_texts(readings[0], readings[1], measured),
            (_cer(truths, readings[0]), _cer(truths, readings[1])),
            ms,
            speedup,
            layers,
            tuple(layer for layer in quantiser.work if layer not in layers),
        )
        _enforce(result, force=force, report=report)
        _describe(graph, found.manifest, result)
        onnx.save(graph, staging)
        find_model(staging)
    return result


def _choose_layers(quantiser: Quantiser, float_path: Path, batches: Sequence[Batch]) -> tuple[str, ...]:
    """The layers to put in 8 bits: those that do `SHARE` of the work at the least damage.

    A layer's damage is what it does to the probabilities of `batches` when it alone is in 8 bits. What
    counts is the damage for the work: a layer that is as bad as another and does twice the work is better.
    """
    session = _one_thread(float_path.read_bytes())
    expected = [_run(session, batch) for batch in batches]
    price = {}
    for layer in quantiser.heavy(CANDIDATES):
        alone = _one_thread(quantiser.quantise([layer]).SerializeToString())
        damage = sum(
            float(np.abs(_run(alone, batch) - wanted).sum(2).mean())
            for batch, wanted in zip(batches, expected, strict=True)
        )
        price[layer] = damage / quantiser.work[layer]
    chosen: set[str] = set()
    done, total = 0, sum(quantiser.work.values())
    for layer in sorted(price, key=lambda layer: price[layer]):
        if done >= SHARE * total:
            break
        chosen.add(layer)
        done += quantiser.work[layer]
    return tuple(layer for layer in quantiser.work if layer in chosen)


def _enforce(result: Int8Result, *, force: bool, report: Callable[[str], None]) -> None:
    """Stop unless the file is faster and reads as well, or is wanted all the same."""
    failures = []
    if not result.speedup > 1:
        failures.append("it is not faster here")
    if not result.lost <= MOST_LOST:
        failures.append(f"it loses more than {100 * MOST_LOST:.1f} points of CER")
    if not failures:
        return
    first = result.agreement.first_difference
    said = f"int8: {result}: {' and '.join(failures)}" + ("" if first is None else f"; {first}")
    if not force:
        raise BarError(f"{said}. Nothing was written; --force writes it all the same")
    report(f"{said}. Written because of --force")


def _describe(graph: onnx.ModelProto, manifest: Manifest, result: Int8Result | None = None) -> None:
    """Put the manifest into the metadata, with the figures under the metrics' name `int8`."""
    figures: Mapping[str, float] = {}
    if result is not None:
        figures = {
            "lines": result.agreement.lines,
            "cer_float": result.cer[0],
            "cer": result.cer[1],
            "ms_float": result.ms[0],
            "ms": result.ms[1],
            "speedup": result.speedup,
            "layers": len(result.layers),
            "layers_in_float": len(result.kept),
        }
    described = manifest.model_copy(
        update={"files": {}, "metrics": {**manifest.metrics, **({"int8": figures} if figures else {})}}
    )
    helper.set_model_props(graph, {ONNX_METADATA_KEY: described.model_dump_json()})


def _read(manifest: Manifest, path: Path, images: Sequence[Image]) -> list[str]:
    return [prediction.text for prediction in OnnxRecognizer(manifest, path).recognize(images)]


def _cer(truths: Sequence[str], readings: Sequence[str]) -> float:
    return measure(zip(truths, readings, strict=True)).cer


def _batch(spec: PreprocessSpec, image: Image) -> Batch:
    return spec.batch([spec.resize(image)], spec.bucket(image))


def _one_thread(content: bytes) -> ort.InferenceSession:
    """A graph made here, on one thread, whose processor time is then its time."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # as when reading
    return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _run(session: ort.InferenceSession, batch: Batch) -> Batch:
    return np.asarray(session.run([OUTPUT], {INPUT: batch})[0], np.float32)


def _time_both(
    float_path: Path, int8_path: Path, batches: Sequence[Batch]
) -> tuple[tuple[float, float], float]:
    """Median ms of a line in float and in 8 bits, and the median of their ratio.

    Processor time, and the two side by side: other work on the machine then slows both alike.
    """
    sessions = [_one_thread(path.read_bytes()) for path in (float_path, int8_path)]
    times: list[list[float]] = [[], []]
    for turn in range(1 + TIMED_ROUNDS):
        for batch in batches:
            for session, seconds in zip(sessions, times, strict=True):
                start = time.process_time()
                _run(session, batch)
                if turn:  # the first sets up caches
                    seconds.append(time.process_time() - start)
    ratio = statistics.median(a / b for a, b in zip(*times, strict=True))
    old, new = (1000 * statistics.median(seconds) for seconds in times)
    return (old, new), ratio
