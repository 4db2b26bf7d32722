"""`ocrtune export --to fp16`: weights as 16-bit floats in half the bytes, computed with as before.

Each weight is cast to float32 where it is used, which the runtime does once when it opens the file. A graph
that computes in float16 crashes ONNX Runtime's CPU engine instead (1.31, at its default optimisation).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper

from ocrtune.bundle import Manifest
from ocrtune.convert.export import trained_network
from ocrtune.convert.onnx_export import INPUT, OUTPUT, export_onnx, verify_onnx
from ocrtune.convert.replay import replay_lines, staged_file
from ocrtune.decoding import decode_best
from ocrtune.errors import BarError
from ocrtune.reading.models import find_model
from ocrtune.reading.onnx_session import open_session
from ocrtune.records import Image

REPLAYED_LINES = 200
"""At most so many lines of each dataset are replayed, evenly spread."""
SMALLEST = 64
"""Numbers; a shorter tensor saves less than its cast takes in the file."""
TIE = 0.1
"""A text may change where two classes are as likely to within this. On 200 lines of receipts none did.

Rounding weights by up to a 2000th moved the probabilities of half of those lines by 0.0003 at most, of one by
0.67: noise of that size does the like in float32, at a step on the edge between a symbol and the blank.
"""


@dataclass(frozen=True, slots=True)
class HalfResult:
    """A written file with 16-bit weights and what its check found."""

    path: Path
    size: int
    """Bytes."""
    float32_size: int
    """Bytes of the same file with 32-bit weights."""
    lines_checked: int
    texts_differ: int
    """Lines read differently, each at a tie between two symbols; any other difference is an error."""
    max_difference: float
    """Largest difference of a probability from that of the 32-bit weights."""


def export_half(model: str, output: Path, *, data: Sequence[str] = (), overwrite: bool = False) -> HalfResult:
    """Write MODEL as an ONNX file with 16-bit weights that reads what 32-bit weights read, or refuse to.

    Args:
        model: a base's name, a run folder or a bundle.
        output: the file to write.
        data: dataset PATHs whose lines are replayed; drawn lines without.
        overwrite: whether an older one there may go.

    Raises:
        InputError: no such model, no such dataset, or the output is there or cannot be written.
        BarError: it reads a line differently; nothing is written then.
    """
    with staged_file(output, overwrite=overwrite) as staging:
        found = find_model(model)
        network = trained_network(found)
        lines = replay_lines(data, REPLAYED_LINES if data else 32)
        float_path = staging.with_name("float32.onnx")
        export_onnx(network, found.manifest, float_path)
        verify_onnx(network, found.manifest, float_path, lines.images)
        graph = onnx.load(float_path)
        halve_weights(graph)
        onnx.save(graph, staging)
        difference, differ = _compare(found.manifest, float_path, staging, lines.images)
        return HalfResult(
            output,
            staging.stat().st_size,
            float_path.stat().st_size,
            len(lines.images),
            differ,
            difference,
        )


def halve_weights(model: onnx.ModelProto) -> list[str]:
    """Store the weights of `model` as float16 with a cast behind each; gives their names.

    A tensor with a number that float16 cannot hold (beyond 65,504) stays as it is.
    """
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        if values.size < SMALLEST or not (np.abs(values).max() <= np.finfo(np.float16).max):
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.float16"))
        casts.append(
            helper.make_node(
                "Cast", [tensor.name], [name], name=f"{name}.to_float32", to=onnx.TensorProto.FLOAT
            )
        )
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return [cast.output[0] for cast in casts]


def _compare(manifest: Manifest, before: Path, after: Path, images: Sequence[Image]) -> tuple[float, int]:
    """Largest difference of a probability, and the lines whose text differs, at ties only.

    Raises:
        BarError: a text differs, and at a step the class that is now best was worse by more than a tie.
    """
    old, new = open_session(before), open_session(after)
    spec, charset = manifest.preprocess, manifest.charset
    largest, differ = 0.0, 0
    for number, image in enumerate(images, start=1):
        bucket = spec.bucket(image)
        batch = spec.batch([spec.resize(image)], bucket)
        first, second = (_run(session, batch) for session in (old, new))  # (1, T, C)
        best, other = first.max(2), np.take_along_axis(first, second.argmax(2)[..., None], 2)[..., 0]
        a, b = (decode_best(p, charset, manifest.layout, [1.0], [bucket])[0].text for p in (first, second))
        # A step may move to the blank beside it and leave the text as it was.
        if not np.isfinite(second).all() or (a != b and (best - other).max() > TIE):
            raise BarError(
                f"with 16-bit weights line {number} reads {b!r} instead of {a!r}, where 32-bit ones leave no "
                "doubt; nothing was written. Use --to onnx"
            )
        largest = max(largest, float(np.abs(first - second).max()))
        differ += a != b
    return largest, differ


def _run(session: ort.InferenceSession, batch: np.ndarray) -> np.ndarray:
    return np.asarray(session.run([OUTPUT], {INPUT: batch})[0], np.float32)
