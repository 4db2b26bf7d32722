"""What TensorBoard shows of a run, also of one that was killed."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ocrtune.train.events import Events


def shown(run: Path) -> dict[str, list[tuple[int, float]]]:
    """Steps and values by name, as TensorBoard reads them."""
    events = EventAccumulator(str(run / "tensorboard")).Reload()
    return {
        name: [(event.step, round(event.value, 4)) for event in events.Scalars(name)]
        for name in events.Tags()["scalars"]
    }


def record(events: Events, run: Path, rows: list[dict[str, float | None]]) -> None:
    """Write rows as a run does, one by one."""
    file = run / "metrics.jsonl"
    for row in rows:
        before = file.read_text() if file.exists() else ""
        file.write_text(f"{before}{json.dumps(row)}\n")
        events.add_last_row(file)


def test_every_figure_of_every_validation_is_shown_by_its_name(tmp_path: Path) -> None:
    events = Events(tmp_path, None, writes=True)
    record(
        events, tmp_path, [{"step": 0, "loss": None, "val_cer": 0.5}, {"step": 9, "loss": 2, "val_cer": 0.25}]
    )
    events.close()
    assert shown(tmp_path) == {"loss": [(9, 2.0)], "val_cer": [(0, 0.5), (9, 0.25)]}


def test_what_a_killed_run_had_shown_beyond_its_saved_state_is_taken_back(tmp_path: Path) -> None:
    """Killed after batch 12, with a state of batch 9: from there on it goes its way again."""
    killed = Events(tmp_path, None, writes=True)
    record(killed, tmp_path, [{"step": 9, "loss": 2}, {"step": 12, "loss": 1}])
    resumed = Events(tmp_path, 9, writes=True)
    record(resumed, tmp_path, [{"step": 10, "loss": 1.5}])
    resumed.close()
    assert shown(tmp_path) == {"loss": [(9, 2.0), (10, 1.5)]}


@pytest.mark.parametrize("writes", [True, False])
def test_nothing_is_written_without_the_package_or_by_a_second_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: bool
) -> None:
    if writes:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    record(Events(tmp_path, None, writes=writes), tmp_path, [{"step": 0, "loss": 2}])
    assert not (tmp_path / "tensorboard").exists()
