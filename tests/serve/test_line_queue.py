"""The queue of a model: order, batches, deadlines, and a recogniser that fails."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from ocrtune.bundle import Architecture, Manifest
from ocrtune.errors import InputError
from ocrtune.preprocess import PreprocessSpec
from ocrtune.records import Prediction
from ocrtune.serve.errors import ApiError
from ocrtune.serve.line_queue import LineQueue, QueuedRecognizer

LATER = time.monotonic() + 3600


class WidthReader:
    """Reads each image's width, once it is let go; keeps the batches it was given."""

    manifest = Manifest(
        name="widths",
        architecture=Architecture(name="widths"),
        symbols=("0",),
        preprocess=PreprocessSpec(height=8, width_buckets=(32, 64, 512)),
        licence="CC0-1.0",
        origin="made by the tests",
    )

    def __init__(self):
        self.batches = []
        self.has_begun = threading.Event()
        self.may_go = threading.Event()

    def recognize(self, images):
        widths = [image.shape[1] for image in images]
        self.batches.append(widths)
        self.has_begun.set()
        assert self.may_go.wait(60)
        if 13 in widths:
            raise InputError("no luck")
        return [Prediction(str(width), 1.0) for width in widths]


def line(width):
    return np.zeros((8, width), np.uint8)


@pytest.fixture
def reader():
    return WidthReader()


@pytest.fixture
def queue(reader):
    queue = LineQueue(reader, 1)
    yield queue
    reader.may_go.set()
    queue.close()


def test_waiting_lines_of_one_width_share_a_batch_and_the_oldest_goes_first(reader, queue):
    first = queue.submit(line(20), LATER)
    assert reader.has_begun.wait(60)
    waiting = [queue.submit(line(width), LATER) for width in (60, 31, 33, 30, 64, 480, 479, 478)]
    assert queue.waiting == 8
    reader.may_go.set()
    assert first.result(60).text == "20"
    assert [future.result(60).text for future in waiting] == [
        "60", "31", "33", "30", "64", "480", "479", "478",
    ]  # fmt: skip
    # 1024 px of padded lines side by side are a batch.
    assert reader.batches == [[20], [60, 33, 64], [31, 30], [480, 479], [478]]


def test_a_line_nobody_waits_for_is_not_read(reader, queue):
    queue.submit(line(20), LATER)
    assert reader.has_begun.wait(60)
    late, cancelled, wanted = (queue.submit(line(w), d) for w, d in ((40, 0.0), (41, LATER), (42, LATER)))
    cancelled.cancel()
    reader.may_go.set()
    assert wanted.result(60).text == "42"
    with pytest.raises(ApiError, match="could not be answered in time"):
        late.result(60)
    assert reader.batches == [[20], [42]]


def test_a_failure_belongs_to_its_batch(reader, queue):
    reader.may_go.set()
    failing = queue.submit(line(13), LATER)
    with pytest.raises(InputError, match="no luck"):
        failing.result(60)
    assert queue.submit(line(14), LATER).result(60).text == "14"


def test_what_was_taken_is_read_before_the_queue_closes(reader, queue):
    futures = [queue.submit(line(width), LATER) for width in (20, 40, 60)]
    closing = threading.Thread(target=queue.close)
    closing.start()
    reader.may_go.set()
    closing.join(60)
    assert [future.result(0).text for future in futures] == ["20", "40", "60"]
    with pytest.raises(ApiError, match="the service is stopping"):
        queue.submit(line(20), LATER)


def test_what_is_no_line_is_refused(queue):
    with pytest.raises(InputError, match="the line is empty"):
        queue.submit(np.zeros((0, 5), np.uint8), LATER)


def test_a_request_reads_through_the_queue_like_any_recogniser(reader, queue):
    reader.may_go.set()
    recognizer = QueuedRecognizer(queue, LATER)
    assert recognizer.manifest is reader.manifest
    assert [p.text for p in recognizer.recognize([line(w) for w in (5, 50, 6)])] == ["5", "50", "6"]
