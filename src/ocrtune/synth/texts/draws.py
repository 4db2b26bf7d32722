"""Draws that sources share: a number below a bound, a permutation that is never held in memory."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from math import isqrt

import numpy as np

_ROUNDS = 6
"""Of the Feistel network; four make a pseudo-random permutation (Luby and Rackoff 1988), if rounds are."""

_WORD = 2**64 - 1

_MIX_1, _MIX_2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9
"""Multipliers of SplitMix64 (Steele et al. 2014)."""


def below(n: int, rng: np.random.Generator) -> int:
    """A whole number 0..n-1, all equally likely to within n / 2**53.

    `rng.integers` is exact, and ten times as slow for a single number.
    """
    return int(rng.random() * n)


def permuted(index: int, size: int, seed: int) -> int:
    """Where step `index` stands in an endless row of permutations of 0..size-1, each a new one.

    Any `size` steps from a multiple of `size` on visit every place once. Takes no memory: a Feistel network
    on the cells of a grid just large enough, walked on where a cell lies outside (Black and Rogaway 2002).

    Args:
        index: from 0.
        size: at least 1.
        seed: any int.
    """
    turn, cell = divmod(index, size)
    keys = _round_keys(seed, turn)
    columns = isqrt(size - 1) + 1
    rows = -(-size // columns)
    while True:
        row, column = divmod(cell, columns)
        for i in range(0, _ROUNDS, 2):
            row = (row + _hash(column ^ keys[i])) % rows
            column = (column + _hash(row ^ keys[i + 1])) % columns
        cell = row * columns + column
        if cell < size:
            return cell


def derive_seed(seed: int, *path: int | str) -> int:
    """A seed for one part of a whole that has `seed`: independent for each `path`."""
    return int.from_bytes(_digest(8, seed, *path))


def _hash(word: int) -> int:
    word = word * _MIX_1 & _WORD
    return ((word ^ word >> 32) * _MIX_2 & _WORD) >> 32


@lru_cache(maxsize=4096)
def _round_keys(seed: int, turn: int) -> tuple[int, ...]:
    digest = _digest(8 * _ROUNDS, seed, turn)
    return tuple(int.from_bytes(digest[i : i + 8]) for i in range(0, len(digest), 8))


def _digest(size: int, *path: int | str) -> bytes:
    return hashlib.blake2b("/".join(map(str, path)).encode(), digest_size=size).digest()
