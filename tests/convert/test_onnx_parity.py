"""Every registered network exports: ONNX Runtime gives torch's probabilities at the promised sizes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ocrtune.bundle import Architecture, Manifest
from ocrtune.convert.export import drawn_lines
from ocrtune.convert.onnx_export import export_onnx, verify_onnx
from ocrtune.decoding import ClassLayout
from ocrtune.models import NETWORKS, build
from ocrtune.preprocess import PreprocessSpec
from ocrtune.reading.onnx_session import open_session

SYMBOLS = tuple("abcdefghij ø")
SMALL = {"channels": 32, "hidden": 16, "max_length": 9, "width": 96}


ALWAYS = ("crnn", "tps-resnet-bilstm-attn")
"""Each way of reading once; the others take a second to five each."""


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in ALWAYS else [pytest.mark.slow]) for name in NETWORKS],
)
def test_an_export_gives_the_same_probabilities_at_every_size(tmp_path, name):
    torch.manual_seed(5)
    options = {key: size for key, size in SMALL.items() if key in NETWORKS[name].options}
    layout = ClassLayout(NETWORKS[name].classes)
    network = build(name, options, len(SYMBOLS) + layout.specials).eval()
    spec = PreprocessSpec(height=32, channels="gray") if name != "ppocrv6-small" else PreprocessSpec()
    if network.fixed_width:
        spec = spec.model_copy(update={"width_buckets": (network.fixed_width,)})
    manifest = Manifest(
        name="tiny",
        architecture=Architecture(name=name, options=options),
        symbols=SYMBOLS,
        classes=layout.kind,
        preprocess=spec,
        licence="Apache-2.0",
        origin="random weights",
    )
    path = tmp_path / "model.onnx"
    export_onnx(network, manifest, path)
    session = open_session(path)
    for lines in (1, 7):
        for width in (network.fixed_width,) if network.fixed_width else (48, 320, 1600):
            images = torch.rand(lines, spec.num_channels, spec.height, width) * 2 - 1
            found = session.run(["probabilities"], {"images": images.numpy()})[0]
            with torch.inference_mode():
                expected = network(images).softmax(2).numpy()
            assert found.shape == (lines, network.steps(width), len(SYMBOLS) + layout.specials)
            np.testing.assert_allclose(found, expected, atol=1e-4, rtol=0)
    assert verify_onnx(network, manifest, path, drawn_lines(3)).texts_differ == 0
