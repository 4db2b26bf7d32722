"""Runs inside EasyOCR's own environment: reads line images with a custom network, prints the texts as JSON.

    python bench/easyocr_reader.py FOLDER LINES.npz

FOLDER holds NAME.pth, NAME.py and NAME.yaml; LINES.npz holds grey images. Needs no ocrtune.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import types
from pathlib import Path

import numpy as np
import torch


def stand_in_for_torchvision() -> None:
    """What EasyOCR uses of torchvision to recognise lines is one transform, and the names of two modules."""

    class ToTensor:
        def __call__(self, image: object) -> torch.Tensor:
            return torch.from_numpy(np.array(image, np.uint8)[None]).float() / 255  # (1, H, W), grey

    transforms, models = types.ModuleType("torchvision.transforms"), types.ModuleType("torchvision.models")
    transforms.ToTensor = ToTensor  # type: ignore[attr-defined]
    package = types.ModuleType("torchvision")
    package.transforms, package.models = transforms, models  # type: ignore[attr-defined]
    package.__version__ = "0.0"  # type: ignore[attr-defined]
    sys.modules |= {
        "torchvision": package, "torchvision.transforms": transforms, "torchvision.models": models,
    }  # fmt: skip


def main() -> None:
    folder, lines = Path(sys.argv[1]), np.load(sys.argv[2])
    if importlib.util.find_spec("torchvision") is None:
        stand_in_for_torchvision()
    torch.set_num_threads(1)
    import easyocr

    reader = easyocr.Reader(
        ["en"],
        gpu=False,
        detector=False,
        download_enabled=False,
        verbose=False,
        quantize=False,  # else it turns LSTMs into 8 bits
        recog_network=folder.name,
        model_storage_directory=str(folder),
        user_network_directory=str(folder),
    )
    texts = []
    for name in lines.files:
        # A second attempt with more contrast, on lines it doubts, is no part of the network.
        ((_, text, _),) = reader.recognize(lines[name], contrast_ths=0, reformat=False)
        texts.append(text)
    print(json.dumps({"easyocr": easyocr.__version__, "texts": texts}))


if __name__ == "__main__":
    main()
