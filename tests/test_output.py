"""Outputs appear whole, and only where nothing was."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from ocrtune.errors import InputError
from ocrtune.output import refuse_existing, write_json, write_text


def test_text_is_written_in_folders_that_are_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "out.txt"
    write_text(path, "ø\r\n\n", overwrite=False)
    assert path.read_bytes() == "ø\r\n\n".encode()
    assert [file.name for file in path.parent.iterdir()] == ["out.txt"]


def test_an_output_that_is_there_is_kept_unless_overwrite_is_given(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    path.write_text("old")
    with pytest.raises(InputError, match=r"out\.json exists already; choose another name or add --overwrite"):
        write_json(path, {}, overwrite=False)
    assert path.read_text() == "old"
    refuse_existing(path, overwrite=True)
    write_json(path, {"ø": 1}, overwrite=True)
    assert path.read_text(encoding="utf-8") == '{\n "ø": 1\n}\n'


def test_a_full_disk_leaves_the_old_file_and_no_half_of_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.txt"
    path.write_text("old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"cannot write .*out\.txt: No space left on device; free space"):
        write_text(path, "new", overwrite=True)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("out.txt", "old")]


def test_a_file_name_that_is_not_utf8_can_be_written_about(tmp_path: Path) -> None:
    write_text(tmp_path / "out.csv", "a\udcff.png", overwrite=False)
    assert (tmp_path / "out.csv").read_bytes() == b"a\\udcff.png"
