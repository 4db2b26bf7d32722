"""EasyOCR loads the exported files and reads what ocrtune reads: `python bench/check_easyocr.py DIR`."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from ocrtune.bundle import ModelBundle
from ocrtune.convert.easyocr_export import easyocr_input, export_easyocr, load_exported
from ocrtune.convert.export import drawn_lines
from ocrtune.decoding import CTC, decode_best
from ocrtune.train.fresh import fresh_spec

READER = Path(__file__).parents[2] / "bench" / "easyocr_reader.py"


@pytest.fixture(scope="module")
def easyocr_python() -> str:
    """Python of an environment with EasyOCR."""
    python = os.environ.get("OCRTUNE_EASYOCR_PYTHON")
    if python is None:
        pytest.skip("needs EasyOCR in an environment of its own: python bench/check_easyocr.py DIR makes one")
    return python


@pytest.mark.slow
@pytest.mark.parametrize("name", ["easyocr-gen2", "crnn", "crnn-shi", "rcnn-ctc", "resnet-bilstm-ctc"])
def test_easyocr_reads_what_ocrtune_reads_from_the_same_array(easyocr_python, tmp_path, reading_bundle, name):
    network_name = "crnn" if name == "easyocr-gen2" else name
    bundle = reading_bundle(network_name, "abcdefg hijøé#'\"\\:", fresh_spec(name))
    manifest = ModelBundle.open(bundle).manifest
    export_easyocr(str(bundle), tmp_path / "tiny_receipts")
    lines = [cv2.cvtColor(line, cv2.COLOR_RGB2GRAY) for line in drawn_lines(12)]
    np.savez(tmp_path / "lines.npz", *lines)
    answer = subprocess.run(
        [easyocr_python, READER, tmp_path / "tiny_receipts", tmp_path / "lines.npz"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr[-2000:]
    texts = json.loads(answer.stdout.splitlines()[-1])["texts"]
    loaded = load_exported(tmp_path / "tiny_receipts", "tiny_receipts")
    expected = []
    for line in lines:
        with torch.inference_mode():
            probabilities = (
                loaded(torch.from_numpy(easyocr_input(line, manifest.preprocess.height))).softmax(2).numpy()
            )
        expected.append(decode_best(probabilities, manifest.charset, CTC, [1.0], [1])[0].text)
    assert texts == expected
    assert len(set(texts)) > 6  # they say something
