"""How much of a page is looked at, at once."""

from __future__ import annotations

import numpy as np
import pytest

from ocrtune.reading.detection import CLOSE_LOOK, DetectionSize, TextDetector
from ocrtune.serve.memory import DETECTION_PX, BoundedDetector


# page (H, W), wanted size, (H, W) it is looked at
@pytest.mark.parametrize(
    ("shape", "size", "looked_at"),
    [
        ((4000, 4000), CLOSE_LOOK, (1984, 1984)),  # the largest of the usual
        ((1000, 700), CLOSE_LOOK, CLOSE_LOOK.of(1000, 700)),
        ((6000, 5000), DetectionSize(shortest=0, longest=6000), (2208, 1856)),
        ((100, 40_000), DetectionSize(shortest=0, longest=40_000), (96, 40_000)),
    ],
)
def test_a_page_is_never_looked_at_larger_than_there_is_room(monkeypatch, shape, size, looked_at):
    detector = BoundedDetector()
    looks = []

    def look(self, image, size):
        looks.append((size.of(*image.shape[:2]), detector._room.taken))
        return np.zeros((1, 1), np.float32)

    monkeypatch.setattr(TextDetector, "_probabilities", look)
    detector.detect(np.zeros(shape, np.uint8), size)
    ((found, taken),) = looks
    assert found == looked_at
    assert taken == found[0] * found[1] <= DETECTION_PX
    assert detector._room.taken == 0
