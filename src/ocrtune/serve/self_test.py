"""Proves that a model can be served: `python -m ocrtune.serve.self_test MODEL`, in a process of its own.

A graph can take the runtime down with it (a half-precision one does, with ONNX Runtime 1.31), or give numbers
that are none; the service must not learn that by being killed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from ocrtune.errors import InputError
from ocrtune.reading.models import FoundModel, find_model
from ocrtune.reading.onnx_session import open_session
from ocrtune.reading.recognizer import OnnxRecognizer, Recognizer
from ocrtune.records import Image

SECONDS = 120
"""For a self-test; one of the base takes 2 s of processor time."""

TOLERANCE = 1e-4
"""Between the confidences of a line alone and in a batch."""

_TEXTS = ("7", "No. 58", "TOTAL 1.234,50", "ocrtune reads 0123456789 before it serves a line of text")


def test_lines() -> list[Image]:
    """Lines of several widths, grey and RGB, the same every time."""
    lines = []
    for scale in (1.0, 0.6):
        for text in _TEXTS:
            (width, height), baseline = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 2)
            line = np.full((height + baseline + 12, width + 16, 3), 245, np.uint8)
            cv2.putText(line, text, (8, height + 6), cv2.FONT_HERSHEY_SIMPLEX, scale, (20, 20, 60), 2)
            lines.append(line if scale == 1.0 else np.ascontiguousarray(line[:, :, 1]))
    return lines


def check_recognizer(recognizer: Recognizer) -> None:
    """Read test lines alone and together; this also warms it.

    Raises:
        InputError: it fails, or a line's text depends on its company.
    """
    lines = test_lines()
    together = recognizer.recognize(lines)
    for number, (line, expected) in enumerate(zip(lines, together, strict=True)):
        alone = recognizer.recognize([line])[0]
        if alone.text != expected.text or abs(alone.confidence - expected.confidence) > TOLERANCE:
            raise InputError(
                f"test line {number} reads {alone.text!r} ({alone.confidence:.4f}) alone and "
                f"{expected.text!r} ({expected.confidence:.4f}) among others; export the model again"
            )


def check_probabilities(found: FoundModel, lines: Sequence[Image]) -> None:
    """Look at the numbers themselves, which no text shows.

    Raises:
        InputError: they are no probabilities.
    """
    spec = found.manifest.preprocess
    session = open_session(found.onnx_path)
    for line in lines:
        batch = spec.batch([spec.resize(line)], spec.bucket(line))
        output = session.run(None, {session.get_inputs()[0].name: batch})[0]  # (1, T, C)
        sums = output.sum(axis=2)
        if not (np.isfinite(output).all() and (output >= 0).all() and np.allclose(sums, 1, atol=1e-2)):
            raise InputError(
                f"the model gives numbers from {output.min():.3g} to {output.max():.3g} that are no "
                "probabilities; export it again"
            )


def run_apart(model: str | Path) -> str:
    """Test a model in a process of its own.

    Args:
        model: a base's name, or the path of a run folder, a bundle or an ONNX file.

    Returns:
        Its digest.

    Raises:
        InputError: it failed, took the process down, or took longer than `SECONDS`.
    """
    # A path is told from a base's name by its type; the other side of a command line sees only text.
    argument = model if isinstance(model, str) else str(model.resolve())
    try:
        done = subprocess.run(
            [sys.executable, "-m", "ocrtune.serve.self_test", argument],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(f"its self-test did not end within {SECONDS} seconds") from error
    try:
        answer = json.loads(done.stdout)
    except ValueError as error:
        raise InputError(f"it takes the process that loads it down (exit code {done.returncode})") from error
    if "error" in answer:
        raise InputError(answer["error"])
    return str(answer["digest"])


def main(model: str) -> None:
    """Test a model and print its digest, or what is wrong with it, as JSON."""
    try:
        found = find_model(model)
        check_probabilities(found, test_lines())
        check_recognizer(OnnxRecognizer(found.manifest, found.onnx_path))
    except InputError as error:
        sys.stdout.write(json.dumps({"error": str(error)}))
    else:
        sys.stdout.write(json.dumps({"digest": found.manifest.digest}))


if __name__ == "__main__":
    main(sys.argv[1])
