"""Fixtures shared by all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real lines and reference tensors beside the checkout, where there is one."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the real lines in {SHARED}, which is not part of the project")
    return SHARED
