"""The networks, one readable file each, found by name. They know classes, never text.

Every network takes `num_classes` first and its sizes as keyword arguments with defaults, maps
(N, channels, H, W) images to (N, T, C) logits, and tells T by `steps(width)`. Its last
layer, a `Head`, is called `head`, and `EARLY` begins the names of its first weights, which see edges
and strokes and no letters yet. Dropout modules have a rate of 0 until training sets one.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping

from torch import nn

from ocrtune.errors import InputError
from ocrtune.models.crnn import CRNN
from ocrtune.models.ppocrv6 import PPOCRv6Small

NETWORKS: dict[str, type[nn.Module]] = {"ppocrv6-small": PPOCRv6Small, "crnn": CRNN}


def build(name: str, options: Mapping[str, object], num_classes: int) -> nn.Module:
    """The network `name` with fresh weights.

    Args:
        name: a key of `NETWORKS`.
        options: its sizes, as a manifest records them; missing ones take their defaults.
        num_classes: C, the blank included.

    Raises:
        InputError: an unknown name or option, or a value that the network refuses.
    """
    if name not in NETWORKS:
        raise InputError(f"no network is called {name!r}; there are {', '.join(sorted(NETWORKS))}")
    network = NETWORKS[name]
    defaults = {p.name: p.default for p in inspect.signature(network).parameters.values()}
    del defaults["num_classes"]
    for option, value in options.items():
        if option not in defaults:
            raise InputError(f"{name} has no option {option!r}; it has {', '.join(sorted(defaults))}")
        if type(value) is not type(defaults[option]):
            kind = type(defaults[option]).__name__
            raise InputError(f"{name}: {option} is {value!r}; it must be of type {kind}")
    try:
        return network(num_classes, **options)
    except ValueError as error:
        raise InputError(f"{name}: {error}") from error
