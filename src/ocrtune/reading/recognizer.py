"""The recogniser seam that evaluation and service know, and its ONNX Runtime engine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ocrtune.bundle import Manifest
from ocrtune.decoding import UNKNOWN, ctc_log_probabilities, decode_best, join_cases
from ocrtune.errors import InputError
from ocrtune.reading.onnx_session import CrowdedSession, usable_cores
from ocrtune.records import Image, Prediction

BATCH_WIDTH = 1024
"""Padded px side by side in one batch: its probabilities take 9 MiB for the base's 18,710 classes. With 4096
px they leave the caches, and a line in 8 bits takes 1.2 times as long (log 2026-11-25)."""

MOST_READERS = 16
"""Batches of one call that are read at once, at most, where there are as many cores: each takes some 50 MiB
while it is read."""


@dataclass(frozen=True, slots=True)
class WeighedLabel:
    """What a network makes of a line: its own reading, and how it weighs the label against that."""

    prediction: Prediction
    label_log_p: float
    """Log probability of the label on this image, in nats; -inf where it does not fit the width."""
    reading_log_p: float
    """That of the text that was read."""


class Recognizer(Protocol):
    """Anything that reads line images."""

    @property
    def manifest(self) -> Manifest:
        """What it reads and how it was made."""
        ...

    def recognize(self, images: Sequence[Image]) -> list[Prediction]:
        """Read line images, in their order."""
        ...


class OnnxRecognizer:
    """Reads line images with an ONNX graph on the CPU. Safe to call from several threads.

    The graph gives probabilities (N, T, C) float32 for images (N, channels, height, W) float32.

    Args:
        manifest: what the graph's classes mean and how images are prepared for it.
        onnx_path: the graph.

    Raises:
        InputError: the file is missing or broken, or its shapes do not fit the manifest.
    """

    def __init__(self, manifest: Manifest, onnx_path: Path) -> None:
        self.manifest = manifest
        self._charset = manifest.charset
        self._layout = manifest.layout
        self._classes = manifest.layout.num_classes(self._charset)
        self._path = onnx_path
        if not onnx_path.exists():
            raise InputError(
                f"there is no {onnx_path}; make it with `ocrtune export {onnx_path.parent} --to onnx`"
            )
        self._session = CrowdedSession(onnx_path)
        spec = manifest.preprocess
        inputs, outputs = self._session.alone.get_inputs(), self._session.alone.get_outputs()
        kinds = [value.type for value in (*inputs, *outputs)]
        if kinds != ["tensor(float)", "tensor(float)"]:
            raise InputError(
                f"{onnx_path} takes and gives {kinds}, not one float tensor each; export the model again"
            )
        self._input = inputs[0].name
        self._output = outputs[0].name
        _check_shape(onnx_path, "input", inputs[0].shape, (None, spec.num_channels, spec.height, None))
        _check_shape(onnx_path, "output", outputs[0].shape, (None, None, self._classes))

    def recognize(self, images: Sequence[Image]) -> list[Prediction]:
        """Read line images, (H, W) grey or (H, W, 3) RGB uint8, in their order.

        Only images of one width bucket share a batch, so a line's text is the same in any company.

        Raises:
            InputError: an image is empty or of another kind.
        """

        def read_batch(part: tuple[int, list[int]]) -> Iterator[tuple[int, Prediction]]:
            bucket, batch = part
            members = [images[i] for i in batch]
            output = self._probabilities(members, bucket)
            return zip(batch, self._decode(members, bucket, output), strict=True)

        # The longest first, so that all readers end together.
        batches = sorted(self._batches(images), key=lambda part: -part[0] * len(part[1]))
        read: dict[int, Prediction] = {}
        if len(batches) <= 1:  # as the service asks, from threads of its own
            for part in batches:
                read.update(read_batch(part))
        else:
            readers = min(len(batches), max(2, usable_cores()), MOST_READERS)
            with ThreadPoolExecutor(readers, "ocrtune-read") as pool:
                for part_read in pool.map(read_batch, batches):
                    read.update(part_read)
        return [read[i] for i in range(len(images))]

    def weigh(
        self, images: Sequence[Image], labels: Sequence[str], *, ignore_case: bool = False
    ) -> list[WeighedLabel]:
        """Read line images as `recognize` does, and say how probable their labels are beside that.

        Args:
            images: as for `recognize`.
            labels: of the images, in their order; a symbol that the charset lacks counts neither way.
            ignore_case: weigh and read in capitals.

        Raises:
            InputError: an image is empty or of another kind, or the network reads by attention, whose steps
                depend on what it read before.
        """
        if self._layout.kind != "ctc":
            raise InputError(
                f"{self.manifest.name} reads by attention, and labels are weighed by CTC; give a CTC model"
            )
        weighed: dict[int, WeighedLabel] = {}
        for bucket, batch in self._batches(images):
            output = self._probabilities([images[i] for i in batch], bucket)
            texts = [labels[i] for i in batch]
            if ignore_case:
                output = join_cases(output, self._charset, self.manifest.layout)
                texts = ["".join(map(self._in_one_case, text)) for text in texts]
            read = self._decode([images[i] for i in batch], bucket, output)
            label_log_ps = ctc_log_probabilities(output, list(map(self._classes_of, texts)), self._layout)
            readings = [self._classes_of(prediction.text) for prediction in read]
            reading_log_ps = ctc_log_probabilities(output, readings, self._layout)
            for i, *parts in zip(batch, read, label_log_ps.tolist(), reading_log_ps.tolist(), strict=True):
                weighed[i] = WeighedLabel(*parts)
        return [weighed[i] for i in range(len(images))]

    def _in_one_case(self, symbol: str) -> str:
        """As capital, or as a small letter where the charset has no capital."""
        cases = (symbol.upper(), symbol.lower())
        return next((case for case in cases if case in self._charset), symbol)

    def _batches(self, images: Sequence[Image]) -> Iterator[tuple[int, list[int]]]:
        """Input width and numbers of images that are read together."""
        by_bucket: defaultdict[int, list[int]] = defaultdict(list)
        for i, image in enumerate(images):
            check_image(image, f"image {i + 1} of {len(images)}")
            by_bucket[self.manifest.preprocess.bucket(image)].append(i)
        for bucket, indices in by_bucket.items():
            size = max(1, BATCH_WIDTH // bucket)
            for first in range(0, len(indices), size):
                yield bucket, indices[first : first + size]

    def _probabilities(self, images: Sequence[Image], bucket: int) -> npt.NDArray[np.float32]:
        """(N, T, C) of images of one bucket."""
        spec = self.manifest.preprocess
        return self._run(spec.batch([spec.resize(image) for image in images], bucket))

    def _decode(
        self, images: Sequence[Image], bucket: int, probabilities: npt.NDArray[np.float32]
    ) -> list[Prediction]:
        spec = self.manifest.preprocess
        step = bucket / probabilities.shape[1]  # px of network input
        widths = [image.shape[1] for image in images]
        px_per_step = [step * w / spec.line_width(image) for w, image in zip(widths, images, strict=True)]
        return decode_best(probabilities, self._charset, self._layout, px_per_step, widths)

    def _classes_of(self, text: str) -> list[int]:
        """Classes of the symbols of `text`; `UNKNOWN` for those that the charset lacks."""
        symbols = self._charset.encode_with_gaps(text)
        return [UNKNOWN if s is None else self._layout.to_classes([s])[0] for s in symbols]

    def _run(self, batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        try:
            output = self._session.run(self._output, {self._input: batch})
        except Exception as error:
            reason = str(error).splitlines()[0][:200]
            raise InputError(f"{self._path} fails on an input of shape {batch.shape}: {reason}") from error
        # A graph may declare any shapes it likes; these are the ones it gives.
        fits = output.ndim == 3 and output.shape[0] == len(batch) and output.shape[2] == self._classes
        if not fits or output.shape[1] == 0:
            raise InputError(
                f"{self._path} gives {output.shape} for {len(batch)} lines of {self._classes} classes; "
                "export the model again"
            )
        return np.asarray(output, np.float32)


def check_image(image: Image, where: str) -> None:
    """Refuse what is not a line image: uint8, grey or RGB, not empty."""
    if image.dtype != np.uint8 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)):
        raise InputError(
            f"{where} has shape {image.shape} and type {image.dtype}; give uint8 (H, W) grey or (H, W, 3) RGB"
        )
    if image.size == 0:
        raise InputError(f"{where} is empty: {image.shape[0]} x {image.shape[1]} px")


def _check_shape(
    path: Path, side: str, declared: Sequence[int | str | None], expected: Sequence[int | None]
) -> None:
    """Compare the fixed sizes a graph declares (names stand for free ones) with the manifest's."""
    fits = len(declared) == len(expected) and all(
        wanted is None or not isinstance(size, int) or size == wanted
        for size, wanted in zip(declared, expected, strict=True)
    )
    if not fits:
        shown = ", ".join("any" if size is None else str(size) for size in expected)
        raise InputError(
            f"{path}: the {side} has shape ({', '.join(map(str, declared))}) but its manifest needs "
            f"({shown}); export the model again"
        )
