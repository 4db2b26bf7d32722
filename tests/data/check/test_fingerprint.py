"""Copies of a print are told from honest crops with the same text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from ocrtune.data.check.fingerprint import FINGERPRINT_BYTES, Print, alike_pairs, fingerprint, is_same_print
from ocrtune.data.check.measuring import measure_pixels, shows_two_lines
from ocrtune.records import Image


def found(images: list[Image]) -> list[tuple[int, int]]:
    measures = [measure_pixels(image) for image in images]
    prints = np.stack([measure.fingerprint for measure in measures])
    aspects = np.array([measure.ink_width / measure.ink_height for measure in measures])
    return [pair for pair in alike_pairs(prints, aspects) if is_same_print(*(Print(images[i]) for i in pair))]


COPIES: dict[str, Callable[[Any, Image], Image]] = {
    "itself": lambda desk, image: image,
    "saved anew": lambda desk, image: cv2.imdecode(
        np.frombuffer(desk.encode(image, ".jpg", quality=50), np.uint8), cv2.IMREAD_GRAYSCALE
    ),
    "paler": lambda desk, image: np.asarray(image * 0.6 + 90, np.uint8),
    "larger": lambda desk, image: np.asarray(cv2.resize(image, None, fx=1.4, fy=1.4), np.uint8),
    "cut tighter": lambda desk, image: image[3:-5, 6:-4],
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
    images = [rng.integers(0, 256, (8, 16), dtype=np.uint8) for _ in range(900)]
    prints = np.stack([fingerprint(image) for image in [*images, images[3]]])
    assert list(alike_pairs(prints, np.full(901, 2.0))) == [(3, 900)]


def test_of_many_that_are_alike_each_is_compared_with_few() -> None:
    """A program draws one word 300 times: 44,850 pairs would be compared pixel by pixel."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (8, 16), dtype=np.uint8)
    prints = np.stack([fingerprint(np.roll(image, i // 100, axis=1) // 2) for i in range(300)])
    pairs = list(alike_pairs(prints, np.full(300, 2.0)))
    later = {second for _, second in pairs}
    assert later == set(range(300)) - {0, 100, 200}
    assert len(pairs) <= 300 * 8


def test_ink_is_found_whatever_paper_is_around_it(desk: Any) -> None:
    image = desk.draw("TOTAL")
    whole, cut = measure_pixels(image), measure_pixels(image[3:-5, 6:-4])
    assert (whole.ink_height, whole.ink_width) == (cut.ink_height, cut.ink_width)
    assert np.array_equal(whole.fingerprint, cut.fingerprint)


def test_a_digit_with_a_weak_waist_is_one_line() -> None:
    """Needles leave rows free of ink within each digit, and specks between: '270.00' on a receipt."""
    ink = np.zeros((87, 200), np.bool_)
    for start, end in [(16, 32), (34, 40), (42, 49), (50, 75)]:
        ink[start:end, 10:190] = True
    assert not shows_two_lines(ink)
    ink[32:50] = False
    assert shows_two_lines(ink)
