"""The training configuration: contradictions, ranges, the YAML it is kept in and hostile files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ocrtune.config import TrainConfig
from ocrtune.errors import InputError
from ocrtune.yaml_file import YAML_LIMIT


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"base": "none"}, "--base none needs --arch: ppocrv6-small, crnn, tps-resnet-bilstm-attn, …"),
        ({"arch": "crnn"}, "--arch goes with --base none only: a base brings its own network"),
        (
            {"base": "none", "arch": "crnn", "vocab": "keep"},
            "--vocab keep needs a base whose symbols to keep; use --vocab data",
        ),
        (
            {"character": "abc"},
            "--character goes with a .pth as --base; other bases bring their symbols",
        ),
        (
            {"batch_size": "auto", "accumulate": 2},
            "--batch-size auto cuts a batch by memory; leave --accumulate out, or give a number",
        ),
        ({"unlabelled": "x"}, "--unlabelled needs --val: its lines tell which readings can be trusted"),
        ({"trust": 0.9}, "--rounds and --trust go with --unlabelled only; leave them out"),
        ({"epochs": 1, "steps": 1}, "--epochs and --steps exclude each other; give one"),
    ],
)
def test_contradictions_are_named_as_the_user_spelled_them(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TrainConfig(output=Path("run"), **options)
    assert [error["msg"] for error in caught.value.errors()] == [f"Value error, {message}"]


@pytest.mark.parametrize(
    "options",
    [
        {"base": "none", "arch": "crnn"},
        {"base": "none", "arch": "crnn", "vocab": "symbols.txt"},
        {"vocab": "keep"},
        {"epochs": 1},
        {"steps": 1},
        # The edges of the ranges.
        {"max_bad": 0},
        {"max_bad": 1},
        {"lr": 0.999},
        {"seed": 0},
        {"max_minutes": 0.1},
    ],
)
def test_what_goes_together(options: dict[str, Any]) -> None:
    config = TrainConfig(output=Path("run"), **options)
    assert {name: getattr(config, name) for name in options} == options


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0),
        ("steps", 0),
        ("val_every", 0),
        ("batch_size", 0),
        ("batch_size", "all"),
        ("batch_size", True),
        ("accumulate", 0),
        ("workers", 0),
        ("patience", 0),
        ("lr", 0),
        ("lr", 1),
        ("lr", float("nan")),
        ("max_minutes", 0),
        ("max_bad", 1.01),
        ("max_bad", -0.01),
        ("seed", -1),
        ("augment", "medium"),
        ("device", "tpu"),
        ("time_stride", 2),
        ("time_stride", "2"),
        ("time_stride", "four"),
        ("train", "one-path-is-not-a-list"),
        ("epcohs", 3),
    ],
)
def test_values_out_of_range_and_unknown_fields_are_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        TrainConfig.model_validate({"output": "run", field: value})
    assert [error["loc"][0] for error in caught.value.errors()] == [field]


@pytest.mark.parametrize(("given", "stride"), [("4", 4), ("8", 8), (4, 4), (None, None)])
def test_the_time_stride_is_a_number_however_it_came(given: object, stride: int | None) -> None:
    """The command line gives text, which a literal of numbers does not parse on its own."""
    assert TrainConfig.model_validate({"output": "run", "time_stride": given}).time_stride == stride


def test_a_configuration_does_not_change() -> None:
    config = TrainConfig(output=Path("run"))
    with pytest.raises(ValidationError, match="frozen"):
        config.epochs = 3  # type: ignore[misc]


def test_every_field_says_what_it_does() -> None:
    """These docstrings are the text of `--help`."""
    undocumented = [name for name, field in TrainConfig.model_fields.items() if not field.description]
    assert undocumented == []


@pytest.mark.parametrize(
    "options",
    [
        {},
        {
            "train": ("a/labels.txt@2", "b c"),
            "val": ("ø.txt",),
            "images": Path("images"),
            "lr": 1e-7,
            "time_stride": 4,
            "overwrite": True,
            "max_minutes": 1.5,
        },
        # Words that YAML would take for something else.
        {"train": ("no", "1e3", "2026-01-01", "null", "- a", "#x"), "vocab": "off"},
    ],
)
def test_yaml_round_trip(tmp_path: Path, options: dict[str, Any]) -> None:
    config = TrainConfig(output=Path("run folder"), **options)
    path = tmp_path / "config.yaml"
    path.write_text(config.to_yaml(), encoding="utf-8")
    assert TrainConfig.from_yaml(path) == config


def test_the_yaml_is_for_people() -> None:
    """The order of the fields, text that is readable, every field there."""
    text = TrainConfig(output=Path("run"), train=("brød.txt",)).to_yaml()
    assert text.startswith("train:\n- brød.txt\nval: []\noutput: run\nbase: ppocrv6-small\n")
    assert [line.split(":")[0] for line in text.splitlines() if line[0] != "-"] == list(
        TrainConfig.model_fields
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"output: run\nepochs: 0\n", "{path}: epochs: Input should be greater than or equal to 1"),
        (
            b"output: run\nepcohs: 3\n",
            "{path}: epcohs: Extra inputs are not permitted; did you mean epochs?",
        ),
        (b"epochs: 3\n", "{path}: output: Field required"),
        (b"output: run\ntrain: [a, 1]\n", "{path}: train.1: Input should be a valid string"),
        (
            b"output: run\nepochs: 1\nsteps: 1\n",
            "{path}: the document: Value error, --epochs and --steps exclude each other; give one",
        ),
        (b"", "{path}: the document: Input should be a valid dictionary"),
        (b"- a\n", "{path}: the document: Input should be a valid dictionary"),
        (b"output: [\n", "{path} is not YAML: while parsing a flow node"),
        (b"output: \x00\n", "{path} is not YAML: "),
        (b"a: b: c\n", "{path} is not YAML: mapping values are not allowed here"),
        # No object is built from a tag.
        (
            b"output: !!python/object/apply:os.system [exit]\n",
            "{path} is not YAML: could not determine a constructor for the tag",
        ),
        # Errors of PyYAML that are not its own: these once escaped with a traceback.
        (b"seed: 2026-13-40\n", "{path} is not YAML: month must be in 1..12"),
        (b"seed: " + b"9" * 5000, "{path} is not YAML: Exceeds the limit"),
        (b"[" * 100_000, "{path} is not YAML: maximum recursion depth exceeded"),
        (b"output: \xff\n", "cannot read the configuration {path}: 'utf-8' codec can't decode byte 0xff"),
        (b"#" * (YAML_LIMIT + 1), "{path} is over 1 MiB: not a configuration"),
        (None, "cannot read the configuration {path}: [Errno 2] No such file or directory"),
    ],
)
def test_a_file_that_is_no_configuration(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "config.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        TrainConfig.from_yaml(path)
    assert str(caught.value).startswith(message.format(path=path))
    assert "\n" not in str(caught.value)


def test_aliases_that_would_unfold_to_billions_are_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    levels = "".join(f"- &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]\n" for i in range(1, 30))
    path.write_text(f"train:\n- &l0 [x]\n{levels}output: run\n")
    with pytest.raises(InputError, match=r"train\.0: Input should be a valid string"):
        TrainConfig.from_yaml(path)


def test_a_checkpoint_as_base_may_be_told_what_it_is() -> None:
    config = TrainConfig(output=Path("run"), base="best.PTH", arch="None-VGG-BiLSTM-CTC", character="abc")
    assert (config.arch, config.character) == ("None-VGG-BiLSTM-CTC", "abc")
