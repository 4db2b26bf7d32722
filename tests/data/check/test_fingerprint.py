"""Copies of a print are told from honest crops with the same text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from ocrtune.data.check.fingerprint import FINGERPRINT_BYTES, alike_pairs, fingerprint, is_same_print
from ocrtune.records import Image


def found(images: list[Image]) -> list[tuple[int, int]]:
    prints = np.stack([fingerprint(image) for image in images])
    aspects = np.array([image.shape[1] / image.shape[0] for image in images])
    return [pair for pair in alike_pairs(prints, aspects) if is_same_print(*(images[i] for i in pair))]


COPIES: dict[str, Callable[[Any, Image], Image]] = {
    "itself": lambda desk, image: image,
    "saved anew": lambda desk, image: cv2.imdecode(
        np.frombuffer(desk.encode(image, ".jpg", quality=50), np.uint8), cv2.IMREAD_GRAYSCALE
    ),
    "paler": lambda desk, image: np.asarray(image * 0.6 + 90, np.uint8),
    "larger": lambda desk, image: np.asarray(cv2.resize(image, None, fx=1.4, fy=1.4), np.uint8),
    "noised": lambda desk, image: (
        (image + np.random.default_rng(0).normal(0, 6, image.shape)).clip(0, 255).astype(np.uint8)
    ),
}


@pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES)
def test_a_copy_is_found(copy: Callable[[Any, Image], Image], desk: Any) -> None:
    image = desk.draw("TOTAL 12.50")
    assert found([desk.draw("TOTAL 12.80"), image, copy(desk, image)]) == [(1, 2)]


def test_the_same_words_printed_again_are_no_copy(desk: Any) -> None:
    """Another receipt of the same printer: the letters stand a little apart."""
    again = desk.draw("TOTAL 12.50")
    again[:, 60:] = np.roll(again[:, 60:], 3, axis=1)
    assert found([desk.draw("TOTAL 12.50"), again]) == []


def test_a_fingerprint_has_its_size_and_ignores_light(desk: Any) -> None:
    image = desk.draw("TOTAL")
    assert fingerprint(image).shape == (FINGERPRINT_BYTES,)
    assert np.array_equal(fingerprint(image), fingerprint(image - 20))


def test_many_lines_with_one_text_are_all_compared() -> None:
    """Lines are compared in blocks; a copy in another block is found as well."""
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (8, 16), dtype=np.uint8) for _ in range(1100)]
    prints = np.stack([fingerprint(image) for image in [*images, images[3]]])
    assert list(alike_pairs(prints, np.full(1101, 2.0))) == [(3, 1100)]
