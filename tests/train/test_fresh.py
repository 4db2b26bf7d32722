"""What `--arch` makes of the lines: network, sizes, preprocessing, and what is said."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from ocrtune.data.dataset import LineDataset, open_dataset
from ocrtune.errors import InputError
from ocrtune.train.fresh import fitting_width, fresh_network


@pytest.fixture
def lines(tmp_path: Path) -> LineDataset:
    """Twenty lines of 30 x 120 px, the last of 30 x 2000."""
    for number in range(20):
        width = 2000 if number == 19 else 120
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((30, width), 255, np.uint8))
    rows = [f"{number}.png\t{'a' * (number % 5 + 1)}\n" for number in range(20)]
    (tmp_path / "labels.txt").write_text("".join(rows), encoding="utf-8")
    return open_dataset(str(tmp_path))


def test_an_attention_network_takes_its_length_from_the_longest_label_and_says_so(lines: LineDataset) -> None:
    said: list[str] = []
    architecture, spec = fresh_network(
        "resnet-bilstm-attn", [entry.text for entry in lines.entries], [lines], said.append
    )
    assert (architecture.name, architecture.options) == ("resnet-bilstm-attn", {"max_length": 5})
    assert (spec.height, len(spec.width_buckets) > 10) == (32, True)
    assert said == ["resnet-bilstm-attn emits at most 5 symbols, as many as the longest label has"]


def test_a_straightening_network_takes_its_width_from_the_lines_and_says_so(lines: LineDataset) -> None:
    said: list[str] = []
    architecture, spec = fresh_network("TPS-VGG-None-CTC", ["abc"], [lines], said.append)
    # 128 px at 32 px of height; the one long line does not set the width.
    assert (architecture.name, architecture.options) == ("tps-vgg-ctc", {"width": 128})
    assert (spec.height, spec.width_buckets, spec.fit) == (32, (128,), "ratio")
    assert said == [
        "tps-vgg-ctc reads images of one size, 32 x 128 px: 95% of the lines fit, the others are squeezed"
    ]


def test_easyocr_s_second_generation_is_a_smaller_crnn_on_higher_lines(lines: LineDataset) -> None:
    architecture, spec = fresh_network("easyocr-gen2", ["abc"], [lines], lambda text: None)
    assert (architecture.name, architecture.options) == ("crnn", {"channels": 256})
    assert (spec.height, spec.channels, spec.padding) == (64, "gray", "edge")


def test_lines_that_cannot_be_read_do_not_set_the_width(lines: LineDataset) -> None:
    for image in Path(lines.name).glob("*.png"):
        image.write_bytes(b"no image")
    assert fitting_width([lines], 32) == 96


def test_an_unknown_network_is_named_with_those_there_are(lines: LineDataset) -> None:
    with pytest.raises(
        InputError, match=r"no network is called 'svtr'; there are ppocrv6-small, crnn, crnn-shi, or \["
    ):
        fresh_network("svtr", [], [lines], lambda text: None)
