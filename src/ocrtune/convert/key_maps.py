"""What other projects call the tensors of a network, and what they are called here.

One map for each kind of checkpoint. A map renames; where two projects cut the same weights differently,
it also joins or splits them. What it returns is a state dict of `ocrtune.models`, complete or not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn

State = Mapping[str, Tensor]

BENCHMARK_KEYS = (
    # straightening
    (r"^Transformation\.LocalizationNetwork\.conv\.", "rectifier.locator."),
    (r"^Transformation\.LocalizationNetwork\.localization_fc1\.0\.", "rectifier.hidden."),
    (r"^Transformation\.LocalizationNetwork\.localization_fc2\.", "rectifier.points."),
    # all features
    (r"^FeatureExtraction\.ConvNet\.", "features."),
    # ResNet
    (r"^features\.conv0_1\.", "features.stem.0."),
    (r"^features\.bn0_1\.", "features.stem.1."),
    (r"^features\.conv0_2\.", "features.stem.3."),
    (r"^features\.bn0_2\.", "features.stem.4."),
    (r"^features\.conv4_1\.", "features.joins.3.0."),
    (r"^features\.bn4_1\.", "features.joins.3.1."),
    (r"^features\.conv4_2\.", "features.joins.3.3."),
    (r"^features\.bn4_2\.", "features.joins.3.4."),
    (r"^features\.layer1\.", "features.stages.0."),
    (r"^features\.layer2\.", "features.stages.1."),
    (r"^features\.layer3\.", "features.stages.2."),
    (r"^features\.layer4\.", "features.stages.3."),
    (r"^features\.conv1\.", "features.joins.0.0."),
    (r"^features\.conv2\.", "features.joins.1.0."),
    (r"^features\.conv3\.", "features.joins.2.0."),
    (r"^features\.bn1\.", "features.joins.0.1."),
    (r"^features\.bn2\.", "features.joins.1.1."),
    (r"^features\.bn3\.", "features.joins.2.1."),
    (r"(^features\.stages\..*)\.bn([12])\.", r"\1.norm\2."),
    (r"(^features\.stages\..*)\.downsample\.", r"\1.shortcut."),
    # RCNN
    (r"\.wgf_u\.", ".gate_in."),
    (r"\.wgr_x\.", ".gate_back."),
    (r"\.wf_u\.", ".conv_in."),
    (r"\.wr_x\.", ".conv_back."),
    (r"\.BN_x_init\.", ".norm."),
    (r"\.GRCL\.", ".iterations."),
    (r"\.BN_gfu\.", ".norm_gate_in."),
    (r"\.BN_grx\.", ".norm_gate_back."),
    (r"\.BN_fu\.", ".norm_in."),
    (r"\.BN_rx\.", ".norm_back."),
    (r"\.BN_Gx\.", ".norm_gated."),
    # context
    (r"^SequenceModeling\.", "sequence."),
    # attention
    (r"^Prediction\.attention_cell\.i2h\.", "decoder.key."),
    (r"^Prediction\.attention_cell\.h2h\.", "decoder.query."),
    (r"^Prediction\.attention_cell\.score\.", "decoder.score."),
    (r"^Prediction\.attention_cell\.rnn\.weight_hh$", "decoder.recur.weight"),
    (r"^Prediction\.generator\.", "head."),
    # CTC
    (r"^Prediction\.(weight|bias)$", r"head.\1"),
)
"""Patterns of deep-text-recognition-benchmark and EasyOCR to what stands here, tried in this order."""

CELL = "Prediction.attention_cell.rnn."


def from_benchmark(state: State) -> dict[str, Tensor]:
    """The tensors of a checkpoint of deep-text-recognition-benchmark or EasyOCR under the names here.

    What the spline's tables hold is computed here, and the key `Transformation.GridGenerator.*` is left out.
    """
    converted: dict[str, Tensor] = {}
    for key, tensor in state.items():
        if key.startswith(("Transformation.GridGenerator.", f"{CELL}weight_ih", f"{CELL}bias_")):
            continue
        name = key
        for pattern, replacement in BENCHMARK_KEYS:
            name = re.sub(pattern, replacement, name)
        converted[name] = tensor
    cell = {part: state.get(CELL + part) for part in ("weight_ih", "bias_ih", "bias_hh")}
    width, key_weight = cell["weight_ih"], state.get("Prediction.attention_cell.i2h.weight")
    if width is not None and width.ndim == 2 and key_weight is not None and key_weight.ndim == 2:
        # Its columns are those of the features, then one for each class, which was given as one-hot.
        features = key_weight.shape[1]
        converted["decoder.look.weight"] = width[:, :features].contiguous()
        converted["fed.weight"] = width[:, features:].T.contiguous()
    if cell["bias_ih"] is not None and cell["bias_hh"] is not None:
        converted["decoder.recur.bias"] = torch.add(cell["bias_ih"], cell["bias_hh"])
    return converted


ORIGINAL_KEYS = (
    (r"^cnn\.batchnorm([246])\.", r"features.norm\1."),
    (r"^cnn\.conv([0-6])\.", r"features.conv\1."),
    (r"^rnn\.0\.rnn\.", "sequence.rnn."),
    (r"^rnn\.0\.embedding\.", "sequence.linear."),
    (r"^rnn\.1\.rnn\.", "last."),
    (r"^rnn\.1\.embedding\.", "head."),
)
"""crnn.pytorch (meijieru) and its descendants."""

MODELSCOPE_CONVOLUTIONS = (
    # convolution, norm, number here
    ("conv0.0.", "conv0.1.", 0),
    ("conv1.0.", "conv1.1.", 1),
    ("conv2.0.", "conv2.1.", 2),
    ("conv2.3.", "conv2.4.", 3),
    ("conv3.0.", "conv3.1.", 4),
    ("conv3.3.", "conv3.4.", 5),
    ("conv4.0.", "conv4.1.", 6),
)


def from_crnn_pytorch(state: State) -> dict[str, Tensor]:
    """The tensors of a checkpoint of crnn.pytorch under the names of `crnn-shi`."""
    converted = {}
    for key, tensor in state.items():
        name = key
        for pattern, replacement in ORIGINAL_KEYS:
            name = re.sub(pattern, replacement, name)
        converted[name] = tensor
    return converted


def from_modelscope(state: State) -> dict[str, Tensor]:
    """The tensors of ModelScope's CRNN under the names of `crnn-shi`.

    It has a norm behind every convolution, where `crnn-shi` has none behind four, and two linear layers at
    the end instead of one. Those norms go into their convolution, and the two layers become one; both are
    exact but for rounding.
    """
    converted: dict[str, Tensor] = {}
    for convolution, norm, number in MODELSCOPE_CONVOLUTIONS:
        weight, bias = state[f"{convolution}weight"], state[f"{convolution}bias"]
        parts = {part: state[norm + part] for part in ("weight", "bias", "running_mean", "running_var")}
        if number in (2, 4, 6):
            converted |= {f"features.norm{number}.{part}": tensor for part, tensor in parts.items()}
            converted[f"features.norm{number}.num_batches_tracked"] = torch.zeros((), dtype=torch.long)
        else:
            scale = parts["weight"] / torch.sqrt(parts["running_var"] + nn.BatchNorm2d(1).eps)
            weight = weight * scale[:, None, None, None]
            bias = (bias - parts["running_mean"]) * scale + parts["bias"]
        converted |= {f"features.conv{number}.weight": weight, f"features.conv{number}.bias": bias}
    for key, tensor in state.items():
        if key.startswith(("rnn.0.", "rnn.1.rnn.")):
            converted |= from_crnn_pytorch({key: tensor})
    last, classes = state["rnn.1.embedding.weight"], state["cls.weight"]
    converted["head.weight"] = classes @ last
    converted["head.bias"] = classes @ state["rnn.1.embedding.bias"]
    return converted
