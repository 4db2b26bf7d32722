"""`ocrtune export --to rapidocr`: an ONNX file that RapidOCR reads as it is, checked by running RapidOCR.

RapidOCR's conventions (3.10): its own charset key, the space as the last class, three channels BGR scaled to
-1..1, a linear resize to the height, and padding to at least 320 px with zeros. What a graph can do goes into
it: the order of the classes and of the channels, grey, another scale. The resize and the padding cannot.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import torch
from torch import Tensor, nn

from ocrtune.bundle import Manifest
from ocrtune.convert.export import trained_network
from ocrtune.convert.onnx_export import INPUT, OUTPUT, export_onnx, verify_onnx
from ocrtune.convert.replay import Agreement, ReplayLines, compare_texts, replay_lines, staged_file
from ocrtune.decoding import decode_best
from ocrtune.errors import BarError, InputError
from ocrtune.models.head import NEVER
from ocrtune.reading.models import find_model
from ocrtune.reading.onnx_session import open_session
from ocrtune.records import Image

METADATA_KEY = "character"
"""Where RapidOCR looks for the symbols: one a line, without the space, which it appends."""
SPACE = " "
LEAST_WIDTH = 320
"""px; RapidOCR pads shorter lines to this at 48 px height (`Rec.rec_img_shape`)."""
REPLAYED_LINES = 200
GREY = (0.114, 0.587, 0.299)
"""Weights of blue, green and red (ITU-R BT.601), as OpenCV converts."""


@dataclass(frozen=True, slots=True)
class RapidOCRResult:
    """A written file and what RapidOCR read with it."""

    path: Path
    parameters: dict[str, Any]
    """What RapidOCR has to be told: `RapidOCR(params=...)`."""
    lines_checked: int
    max_difference: float
    """Largest difference of a probability between torch and the file."""
    agreement: Agreement
    """ocrtune's readings against RapidOCR's, which prepares lines in its own way."""


def export_rapidocr(
    model: str, output: Path, *, data: Sequence[str] = (), overwrite: bool = False
) -> RapidOCRResult:
    """Write MODEL as an ONNX file for RapidOCR with which it reads what torch reads, or refuse to.

    Args:
        model: a base's name, a run folder or a bundle.
        output: the file to write.
        data: dataset PATHs whose lines are replayed; drawn lines without.
        overwrite: whether an older one there may go.

    Raises:
        InputError: no such model, or one that RapidOCR cannot run, or the output cannot be written.
        BarError: RapidOCR reads a line differently from torch; nothing is written then.
    """
    with staged_file(output, overwrite=overwrite) as staging:
        found = find_model(model)
        network = trained_network(found)
        manifest = found.manifest
        refuse_unfit(manifest, network)
        lines = replay_lines(data, REPLAYED_LINES if data else 32)
        adapted = ForRapidOCR(network, manifest)
        described = rapidocr_manifest(manifest)
        export_onnx(adapted, described, staging)
        parity = verify_onnx(adapted, described, staging, lines.images)
        graph = onnx.load(staging)
        entry = graph.metadata_props.add()
        entry.key, entry.value = METADATA_KEY, "\n".join(described.symbols[:-1])
        onnx.save(graph, staging)
        parameters = rapidocr_parameters(described.preprocess.height, staging)
        read = _read_with_rapidocr(parameters, lines)
        session = open_session(staging)
        for number, (image, theirs) in enumerate(zip(lines.images, read, strict=True), start=1):
            array = rapidocr_input(image, described.preprocess.height)
            ours = _text(described, session.run([OUTPUT], {INPUT: array})[0])
            if theirs != ours:
                raise BarError(
                    f"line {number}: RapidOCR reads {theirs!r} with the file, ocrtune {ours!r} on the same "
                    "array; nothing was written"
                )
        own = [_read_as_trained(network, manifest, image) for image in lines.images]
        return RapidOCRResult(
            output,
            parameters | {"Rec.model_path": str(output)},
            parity.lines,
            parity.max_difference,
            compare_texts(own, read, lines),
        )


def refuse_unfit(manifest: Manifest, network: nn.Module) -> None:
    """Stop where RapidOCR could not run the network or show its symbols.

    Raises:
        InputError: saying why, and what else to export.
    """
    spec, name = manifest.preprocess, manifest.architecture.name
    reason = None
    if manifest.classes != "ctc":
        reason = f"{name} is not CTC, and RapidOCR decodes CTC only"
    elif network.fixed_width is not None or spec.fit == "fill":
        reason = (
            f"it reads lines stretched to {spec.width_buckets[-1]} px, and RapidOCR gives each its own width"
        )
    elif spec.stretch != 1:
        reason = f"it reads lines stretched {spec.stretch:g} times, and RapidOCR keeps their proportions"
    elif broken := [s for s in manifest.symbols if s.splitlines() != [s]]:
        named = ", ".join(f"{s!r}" for s in broken)
        reason = f"its symbols {named} break lines, and RapidOCR reads a list with a symbol on each line"
    elif set(manifest.symbols) <= {SPACE}:
        reason = "it has no symbol besides the space"
    if reason is not None:
        raise InputError(
            f"{manifest.name} cannot be RapidOCR's: {reason}; use --to onnx and read it with ocrtune"
        )


class ForRapidOCR(nn.Module):
    """A CTC network that takes RapidOCR's images and gives classes in its order.

    Args:
        network: maps images as `manifest` prepares them to logits.
        manifest: its class order and preparation.
    """

    fixed_width = None

    def __init__(self, network: nn.Module, manifest: Manifest) -> None:
        super().__init__()
        self.network = network
        spec = manifest.preprocess
        self.channels = spec.channels
        # RapidOCR's -1..1 to 0..255 to what the network was trained on, in one step.
        self.scale, self.shift = 127.5 / spec.std, (127.5 - spec.mean) / spec.std
        self.register_buffer("grey", torch.tensor(GREY).reshape(1, 3, 1, 1), persistent=False)
        specials = manifest.layout.specials
        place = {symbol: specials + i for i, symbol in enumerate(manifest.symbols)}
        without = specials + len(manifest.symbols)  # a class that is padded on, where there is no space
        order = [manifest.layout.blank, *(place[s] for s in manifest.symbols if s != SPACE)]
        self.order = [*order, place.get(SPACE, without)]
        self.as_it_is = self.order == list(range(without))

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) BGR in -1..1 to (N, T, C) logits, the blank first and the space last."""
        if self.channels == "gray":
            images = (images * self.grey).sum(1, keepdim=True)
        elif self.channels == "rgb":
            images = images.flip(1)
        if (self.scale, self.shift) != (1, 0):
            images = images * self.scale + self.shift
        logits = self.network(images)
        if self.as_it_is:
            return logits
        logits = nn.functional.pad(logits, (0, 1), value=NEVER)
        return logits.index_select(2, torch.tensor(self.order, device=logits.device))


def rapidocr_manifest(manifest: Manifest) -> Manifest:
    """The description of the file: its class order, and lines prepared as RapidOCR does."""
    spec = manifest.preprocess.model_copy(
        update={"channels": "bgr", "interpolation": "linear", "mean": 127.5, "std": 127.5, "padding": 0.0}
    )
    symbols = (*(s for s in manifest.symbols if s != SPACE), SPACE)
    return manifest.model_copy(update={"symbols": symbols, "preprocess": spec, "files": {}})


def rapidocr_parameters(height: int, path: Path) -> dict[str, Any]:
    """`RapidOCR(params=...)` for the file: one line a batch, so that no neighbour changes a text."""
    return {
        "Rec.model_path": str(path),
        "Rec.rec_img_shape": [3, height, LEAST_WIDTH],
        "Rec.rec_batch_num": 1,
    }


def rapidocr_input(image: Image, height: int) -> npt.NDArray[np.float32]:
    """The array (1, 3, height, W) that RapidOCR makes of a line that is alone in its batch."""
    bgr = np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image[:, :, ::-1])
    ratio = bgr.shape[1] / bgr.shape[0]
    width = int(height * max(LEAST_WIDTH / height, ratio))
    resized = cv2.resize(bgr, (min(width, math.ceil(height * ratio)), height)).astype(np.float32)
    array = np.zeros((1, 3, height, width), np.float32)
    array[0, :, :, : resized.shape[1]] = (resized.transpose(2, 0, 1) / 255 - 0.5) / 0.5
    return array


def _read_with_rapidocr(parameters: dict[str, Any], lines: ReplayLines) -> list[str]:
    from rapidocr import RapidOCR  # takes a second to import

    # Lines as they are: what is done to whole pages before detection is no part of reading a line.
    alone = {"Global.use_det": False, "Global.use_cls": False, "Global.use_preprocess_img": False}
    engine = RapidOCR(params=parameters | alone | {"Global.log_level": "critical"})
    texts = []
    for image in lines.images:
        bgr = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image[:, :, ::-1].copy()
        texts.append(str(engine(bgr).txts[0]))
    return texts


def _read_as_trained(network: nn.Module, manifest: Manifest, image: Image) -> str:
    spec = manifest.preprocess
    batch = torch.from_numpy(spec.batch([spec.resize(image)], spec.bucket(image)))
    with torch.inference_mode():
        return _text(manifest, network(batch).softmax(2).numpy())


def _text(manifest: Manifest, probabilities: npt.NDArray[np.float32]) -> str:
    return decode_best(probabilities, manifest.charset, manifest.layout, [1.0], [1])[0].text
