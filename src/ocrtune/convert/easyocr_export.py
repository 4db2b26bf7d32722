"""`ocrtune export --to easyocr`: the three files of a custom network of EasyOCR 1.7, checked by loading them.

NAME.py defines the network without ocrtune: it is the source of ours. NAME.yaml has its sizes and symbols,
NAME.pth its weights. EasyOCR itself is not needed here; `bench/check_easyocr.py` compares with it.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import keyword
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import PIL.Image
import torch
import yaml
from torch import nn

from ocrtune.bundle import Manifest
from ocrtune.convert.export import trained_network
from ocrtune.convert.onnx_export import TOLERANCE
from ocrtune.convert.replay import Agreement, compare_texts, replay_lines
from ocrtune.data.staging import staged_folder
from ocrtune.decoding import decode_best
from ocrtune.errors import BarError, InputError
from ocrtune.models import bilstm, crnn_shi, head, rcnn, resnet, vgg
from ocrtune.models.crnn_shi import OriginalCRNN
from ocrtune.models.four_stage import FourStage
from ocrtune.output import refuse_existing
from ocrtune.reading.models import find_model
from ocrtune.records import Image

REPLAYED_LINES = 200
LANGUAGE = "en"
"""EasyOCR wants a language it knows the letters of; those in the yaml are allowed besides."""
TAKEN_NAMES = re.compile(r"standard|generation[12]|\w+_g[12]")
"""What EasyOCR calls networks of its own."""

FEATURES = {
    "vgg": (vgg, "vgg(input_channel, output_channel)"),
    "rcnn": (rcnn, "rcnn(input_channel, output_channel)"),
    "resnet": (resnet, "ResNet(input_channel, output_channel)"),
}

TOP = '''"""{title}, as EasyOCR loads a custom network. Made by ocrtune.

Weights and sizes are in {name}.pth and {name}.yaml beside it.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional as F
'''

FOUR_STAGES = '''

class Model(nn.Module):
    """Grey images (N, 1, H, W) in -1..1 to (N, T, num_class) logits, the blank first."""

    def __init__(self, input_channel, output_channel, hidden_size, num_class, second_looks=()):
        super().__init__()
        self.features = {features}
        self.sequence = nn.Sequential({context})
        self.head = Head({columns}, num_class, tuple(second_looks))

    def forward(self, input, text=None):
        x = self.features(input).mean(2).transpose(1, 2)
        return self.head(self.sequence(x))
'''

TWO_LSTMS = """
            BiLSTM(output_channel, hidden_size, hidden_size),
            BiLSTM(hidden_size, hidden_size, hidden_size),
        """

ORIGINAL = '''

class Model(OriginalCRNN):
    """Grey images (N, 1, H, W) in -1..1 to (N, T, num_class) logits, the blank first."""

    def __init__(self, input_channel, output_channel, hidden_size, num_class, overlap=True, second_looks=()):
        super().__init__(num_class, output_channel, hidden_size, overlap, tuple(second_looks))

    def forward(self, input, text=None):
        return super().forward(input)
'''


@dataclass(frozen=True, slots=True)
class EasyOCRResult:
    """Three written files and what their check found."""

    folder: Path
    name: str
    """Of the network, for `recog_network`: the folder's."""
    lines_checked: int
    max_difference: float
    """Largest difference of a probability between the network here and the one the files define."""
    agreement: Agreement
    """Readings of lines as ocrtune prepares them against lines as EasyOCR does."""

    @property
    def call(self) -> str:
        """What to write in Python."""
        return (
            f'easyocr.Reader(["{LANGUAGE}"], recog_network="{self.name}", model_storage_directory='
            f'"{self.folder}", user_network_directory="{self.folder}", quantize=False)'
        )


def export_easyocr(
    model: str, output: Path, *, data: Sequence[str] = (), overwrite: bool = False
) -> EasyOCRResult:
    """Write MODEL as the three files of an EasyOCR network which reads what MODEL reads, or refuse to.

    Args:
        model: a run folder or a bundle.
        output: the folder to write; its name becomes the network's.
        data: dataset PATHs whose lines are replayed; drawn lines without.
        overwrite: whether an older one there may go.

    Raises:
        InputError: no such model, or one that EasyOCR cannot run, or the output cannot be written.
        BarError: the files define a network that reads differently; nothing is written then.
    """
    refuse_existing(output, overwrite=overwrite)
    name = output.resolve().name
    _refuse_name(name)
    found = find_model(model)
    network = trained_network(found)
    manifest = found.manifest
    refuse_unfit(manifest, network)
    lines = replay_lines(data, REPLAYED_LINES if data else 32)
    height = manifest.preprocess.height
    with staged_folder(output) as folder:
        (folder / f"{name}.py").write_text(network_source(network, name), encoding="utf-8")
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(_settings(manifest, network)), encoding="utf-8")
        # EasyOCR cuts off the first seven letters of every key, which DataParallel puts there.
        state = {f"module.{key}": tensor for key, tensor in network.state_dict().items()}
        torch.save(state, folder / f"{name}.pth")
        loaded = load_exported(folder, name)
        largest = 0.0
        own: list[str] = []
        prepared: list[str] = []
        for number, image in enumerate(lines.images, start=1):
            spec = manifest.preprocess
            for array, texts in (
                (spec.batch([spec.resize(image)], spec.bucket(image)), own),
                (easyocr_input(image, height), prepared),
            ):
                expected, given = _probabilities(network, array), _probabilities(loaded, array)
                difference = float(np.abs(expected - given).max())
                first, second = (_text(manifest, p) for p in (expected, given))
                if not difference <= TOLERANCE or first != second:
                    raise BarError(
                        f"line {number}: the files for EasyOCR read {second!r}, {manifest.name} {first!r}, "
                        f"and a probability differs by {difference:.2g}; nothing was written"
                    )
                largest = max(largest, difference)
                texts.append(second)
    return EasyOCRResult(output, name, len(lines.images), largest, compare_texts(own, prepared, lines))


def refuse_unfit(manifest: Manifest, network: nn.Module) -> None:
    """Stop where EasyOCR could not run the network or show its symbols.

    Raises:
        InputError: saying why, and what else to do.
    """
    spec, name = manifest.preprocess, manifest.architecture.name
    several = [symbol for symbol in manifest.symbols if len(symbol) != 1]
    reason = None
    if manifest.classes != "ctc":
        reason = f"{name} is not CTC, and EasyOCR decodes CTC only"
    elif spec.channels != "gray":
        reason = f"{name} reads colours ({spec.channels}), and EasyOCR gives one grey channel"
    elif network.fixed_width is not None or spec.fit == "fill":
        reason = (
            f"it reads lines stretched to {spec.width_buckets[-1]} px, and EasyOCR gives each its own width"
        )
    elif not isinstance(network, FourStage | OriginalCRNN):
        reason = f"{name} has no form that EasyOCR loads"
    elif (spec.mean, spec.std, spec.stretch) != (127.5, 127.5, 1):
        reason = "it was trained on images of another scale or stretch than EasyOCR's"
    elif several:
        named = ", ".join(map(repr, several[:5]))
        reason = f"its symbols {named} have several code points, and EasyOCR's have one each"
    if reason is not None:
        raise InputError(
            f"{manifest.name} cannot be EasyOCR's: {reason}; use --to onnx, or train --arch easyocr-gen2"
        )


def network_source(network: nn.Module, name: str) -> str:
    """The text of NAME.py: the source of the layers here, and a `Model` that puts them together."""
    if isinstance(network, OriginalCRNN):
        modules, model, title = [bilstm, head, crnn_shi], ORIGINAL, "CRNN"
    else:
        stages = network.stages
        features, call = FEATURES[stages.features]
        modules, title = [features, bilstm, head] if stages.context else [features, head], stages.title
        model = FOUR_STAGES.format(
            features=call,
            context=TWO_LSTMS if stages.context else "",
            columns="hidden_size" if stages.context else "output_channel",
        )
    return TOP.format(title=title, name=name) + "".join(map(_below_imports, modules)) + model


def load_exported(folder: Path, name: str) -> nn.Module:
    """The network that the three files define, loaded as EasyOCR does on a CPU, in eval mode."""
    spec = importlib.util.spec_from_file_location(f"exported_{name}", folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    settings: dict[str, Any] = yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8"))
    classes = 1 + len(settings["character_list"])
    loaded: nn.Module = module.Model(num_class=classes, **settings["network_params"])
    state = torch.load(folder / f"{name}.pth", map_location="cpu", weights_only=True)
    loaded.load_state_dict({key[7:]: tensor for key, tensor in state.items()})
    return loaded.eval()


def easyocr_input(image: Image, height: int) -> npt.NDArray[np.float32]:
    """The array (1, 1, height, W) that EasyOCR makes of an image which is one line.

    It resizes twice, and repeats the last column up to the next multiple of the height. An image that is
    higher than wide is taken to stand on its end, and comes out squeezed.
    """
    grey = image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    ratio = grey.shape[1] / grey.shape[0]
    size = (int(height * ratio), height) if ratio >= 1 else (height, int(height / ratio))
    ratio = max(ratio, 1 / ratio)
    resized = PIL.Image.fromarray(cv2.resize(grey, size, interpolation=cv2.INTER_LINEAR))
    width = math.ceil(ratio) * height
    fitting = min(math.ceil(height * resized.width / resized.height), width)
    fitted = resized.resize((fitting, height), PIL.Image.Resampling.BICUBIC)
    pixels = np.asarray(fitted, np.float32) / 255
    padded = np.pad((pixels - 0.5) / 0.5, ((0, 0), (0, width - fitting)), mode="edge")
    return np.asarray(padded[None, None], np.float32)


def _refuse_name(name: str) -> None:
    """EasyOCR imports the network's file by its name, from anywhere on Python's path."""
    if not name.isidentifier() or keyword.iskeyword(name):
        reason = "EasyOCR imports it as a Python module, so it needs a name of letters, digits and _"
    elif TAKEN_NAMES.fullmatch(name):
        reason = "EasyOCR has a network of that name"
    elif importlib.util.find_spec(name) is not None:
        reason = "Python has a module of that name, which EasyOCR would import instead"
    else:
        return
    raise InputError(f"the network would be called {name!r}: {reason}; give another folder, like -o receipts")


def _settings(manifest: Manifest, network: nn.Module) -> dict[str, Any]:
    options = dict(manifest.architecture.options)
    sizes: dict[str, Any] = {
        "input_channel": 1,
        "output_channel": options.get("channels", 512),
        "hidden_size": options.get("hidden", 256),
        "second_looks": list(network.head.second_looks),
    }
    if isinstance(network, OriginalCRNN):
        sizes["overlap"] = network.overlap
    return {
        "network_params": sizes,
        "imgH": manifest.preprocess.height,
        "lang_list": [LANGUAGE],
        "character_list": "".join(manifest.symbols),
    }


def _below_imports(module: ModuleType) -> str:
    """The source of `module` below its docstring and imports."""
    source = inspect.getsource(module)
    imports = [n for n in ast.parse(source).body if isinstance(n, ast.Import | ast.ImportFrom)]
    end = imports[-1].end_lineno
    return "\n" + "\n".join(source.splitlines()[end:]).rstrip() + "\n"


def _probabilities(network: nn.Module, array: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    with torch.inference_mode():
        return np.asarray(network(torch.from_numpy(array)).softmax(2).numpy(), np.float32)


def _text(manifest: Manifest, probabilities: npt.NDArray[np.float32]) -> str:
    return decode_best(probabilities, manifest.charset, manifest.layout, [1.0], [1])[0].text
