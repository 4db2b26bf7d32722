"""docs/dtrb.md: every option of the four scripts has its row, and every option named exists here."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocrtune import cli, cli_data, cli_training
from ocrtune.config import TrainConfig
from ocrtune.convert.key_maps import BENCHMARK_KEYS
from ocrtune.models import NETWORKS, canonical_name

TABLE = Path(__file__).parents[1] / "docs" / "dtrb.md"

DATA_AND_NETWORK = """
batch_max_length imgH imgW rgb character sensitive PAD Transformation FeatureExtraction SequenceModeling
Prediction num_fiducial input_channel output_channel hidden_size
"""

SCRIPTS = {
    "train.py": f"""
exp_name experiment_name train_data valid_data manualSeed workers batch_size num_iter valInterval saved_model
continue_model FT adam lr beta1 rho eps grad_clip baiduCTC select_data batch_ratio total_data_usage_ratio
data_filtering_off {DATA_AND_NETWORK}""",
    "test.py": f"""
eval_data benchmark_all_eval workers batch_size saved_model data_filtering_off baiduCTC {DATA_AND_NETWORK}""",
    "demo.py": f"image_folder workers batch_size saved_model {DATA_AND_NETWORK}",
    "create_lmdb_dataset.py": "inputPath gtFile outputPath checkValid",
}
"""Long options of each script, in all versions that are about."""

COMMANDS = {
    "ocrtune train": (cli_training.train, TrainConfig),
    "ocrtune eval": (cli.evaluate,),
    "ocrtune read": (cli.read,),
    "ocrtune convert": (cli_training.convert,),
    "ocrtune export": (cli_training.export,),
    "ocrtune data pack": (cli_data.pack,),
}


def options(command: str) -> set[str]:
    """Options that a command has, as the user spells them."""
    names: set[str] = set()
    for source in COMMANDS[command]:
        fields = TrainConfig.model_fields if source is TrainConfig else inspect.signature(source).parameters
        names |= {"--" + name.replace("_", "-") for name in fields}
    return names


def sections() -> Iterator[tuple[str, str, str]]:
    """(script, our command, text) of each section; empty names where a section is of no script."""
    for section in re.split(r"(?m)^## ", TABLE.read_text(encoding="utf-8"))[1:]:
        title, text = section.split("\n", 1)
        script, _, command = title.partition(" → ")
        yield script, command.removesuffix(" --lines"), text


def rows(text: str) -> Iterator[list[str]]:
    """Cells of the table rows, without the head."""
    for line in text.splitlines():
        if line.startswith("| ") and not line.endswith("| here |"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_option_has_exactly_one_row(script: str) -> None:
    (text,) = (text for name, _, text in sections() if name == script)
    documented = [flag for cells in rows(text) for flag in re.findall(r"`--(\w+)`", cells[0])]
    assert sorted(documented) == sorted(SCRIPTS[script].split())


def test_every_option_that_is_named_exists() -> None:
    found = 0
    for _, default, text in sections():
        for cells in rows(text):
            for span in re.findall(r"`([^`]*)`", cells[-1]):
                command = next((c for c in COMMANDS if span.startswith(c)), default)
                for option in re.findall(r"--[a-z][a-z-]*", span):
                    assert option in options(command), f"{command} has no {option}: {cells}"
                    found += 1
    assert found > 40


def test_the_options_in_running_text_exist() -> None:
    everything = set().union(*map(options, COMMANDS))
    text = "\n".join(line for line in TABLE.read_text(encoding="utf-8").splitlines() if "|" not in line)
    assert set(re.findall(r"--[a-z][a-z-]+", text)) <= everything


def test_the_networks_that_are_named_exist() -> None:
    text = TABLE.read_text(encoding="utf-8")
    for name in ("tps-resnet-bilstm-attn", "TPS-ResNet-BiLSTM-Attn"):
        assert f"`{name}`" in text
        assert canonical_name(name) == "tps-resnet-bilstm-attn"
    family = [name for name in NETWORKS if name not in ("ppocrv6-small", "crnn-shi")]
    assert "`crnn` and its 23 siblings" in text
    assert len(family) == 24


def test_the_key_map_is_where_the_table_says() -> None:
    assert "`convert/key_maps.py`" in TABLE.read_text(encoding="utf-8")
    assert any(pattern.startswith(r"^FeatureExtraction\.ConvNet\.") for pattern, _ in BENCHMARK_KEYS)
