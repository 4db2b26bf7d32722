"""The networks, one readable file each, found by name. They know classes, never text.

Every network takes `num_classes` first and its sizes as keyword arguments with defaults, and maps
(N, channels, H, W) images to (N, T, C) logits. It says
- `classes`: the kind of its `ClassLayout`;
- `steps(width)`: T; `fixed_width`: the one width in px that it reads, or None;
- `EARLY`: how the names of its first weights begin, which see edges and strokes and no letters yet.
Its last layer, a `Head`, is called `head`; where a network is fed the class before, that table is called
`fed`. Dropout modules have a rate of 0 until training sets one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from torch import nn

from ocrtune.decoding import LayoutKind
from ocrtune.errors import InputError
from ocrtune.models.crnn_shi import OriginalCRNN
from ocrtune.models.four_stage import FAMILY, FourStage
from ocrtune.models.ppocrv6 import PPOCRv6Small

HEAD = "head."
"""How the names of the scores' weights begin; their rows are those of `Head`."""
FED = "fed."
"""How the name of what a decoder is fed of each class begins; its rows are classes."""


@dataclass(frozen=True, slots=True)
class Network:
    """A kind of network."""

    make: Callable[..., nn.Module]
    options: Mapping[str, object]
    """Its sizes, with their defaults."""
    classes: LayoutKind = "ctc"
    """The kind of its class layout."""


NETWORKS: dict[str, Network] = {
    "ppocrv6-small": Network(PPOCRv6Small, {"time_stride": 8, "second_looks": ()}),
    "crnn-shi": Network(OriginalCRNN, {"channels": 512, "hidden": 256, "overlap": True, "second_looks": ()}),
    **{
        stages.name: Network(
            partial(FourStage, stages=stages), stages.options, "attention" if stages.attention else "ctc"
        )
        for stages in FAMILY
    },
}

NAMES = "ppocrv6-small, crnn, crnn-shi, or [tps-]{vgg,rcnn,resnet}[-bilstm]-{ctc,attn}"
"""All names, for messages."""


def canonical_name(name: str) -> str:
    """A network's name from any spelling of it: None-VGG-BiLSTM-CTC is crnn.

    Raises:
        InputError: there is no such network.
    """
    parts = [part for part in name.lower().split("-") if part != "none"]
    found = "crnn" if parts == ["vgg", "bilstm", "ctc"] else "-".join(parts)
    if found not in NETWORKS:
        raise InputError(f"no network is called {name!r}; there are {NAMES}")
    return found


def build(name: str, options: Mapping[str, object], num_classes: int) -> nn.Module:
    """The network `name` with fresh weights.

    Args:
        name: a key of `NETWORKS`.
        options: its sizes, as a manifest records them; missing ones take their defaults.
        num_classes: C, the special classes included.

    Raises:
        InputError: an unknown name or option, or a value that the network refuses.
    """
    if name not in NETWORKS:
        raise InputError(f"no network is called {name!r}; there are {NAMES}")
    network = NETWORKS[name]
    for option, value in options.items():
        if option not in network.options:
            raise InputError(f"{name} has no option {option!r}; it has {', '.join(sorted(network.options))}")
        if type(value) is not type(network.options[option]):
            kind = type(network.options[option]).__name__
            raise InputError(f"{name}: {option} is {value!r}; it must be of type {kind}")
    try:
        return network.make(num_classes, **options)
    except ValueError as error:
        raise InputError(f"{name}: {error}") from error
