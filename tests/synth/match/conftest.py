"""Ink that looks like text, without a font."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ocrtune.records import Image


@pytest.fixture(scope="session")
def coverage() -> Image:
    """(80, 420) mask of "Hill 12,90 EUR", 0 paper to 255 ink, with paper around it."""
    canvas = np.zeros((80, 420), np.uint8)
    cv2.putText(canvas, "Hill 12,90 EUR", (20, 55), cv2.FONT_HERSHEY_SIMPLEX, 1.5, 255, 5, cv2.LINE_AA)
    return canvas
