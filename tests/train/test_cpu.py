"""The caches of CPU training: what a user has set stays."""

from __future__ import annotations

import os

import pytest

from ocrtune.train.cpu import KERNELS_KEPT, enlarge_caches

VARIABLE = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"


@pytest.mark.parametrize(("given", "kept"), [(None, str(KERNELS_KEPT)), ("77", "77")])
def test_the_kernels_kept_are_ours_unless_the_user_says(
    monkeypatch: pytest.MonkeyPatch, given: str | None, kept: str
) -> None:
    monkeypatch.setenv(VARIABLE, given or "")  # restored afterwards
    if given is None:
        monkeypatch.delenv(VARIABLE)
    enlarge_caches()
    assert os.environ[VARIABLE] == kept
