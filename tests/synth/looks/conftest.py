"""Ink that looks like text, without a font."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ocrtune.records import Image


@pytest.fixture
def ink() -> Image:
    """(36, 231) mask of "melk 12,90" in a stroke font, cut to its ink."""
    canvas = np.zeros((80, 400), np.uint8)
    cv2.putText(canvas, "melk 12,90", (10, 50), cv2.FONT_HERSHEY_SIMPLEX, 1.5, 255, 4, cv2.LINE_AA)
    x, y, width, height = cv2.boundingRect(canvas)
    return canvas[y : y + height, x : x + width].copy()
