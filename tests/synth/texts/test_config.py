"""Sources from plain data, as YAML holds them: each kind, what they mix to, and wrong keys."""

from __future__ import annotations

import json
import pickle
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from pydantic import ValidationError

from ocrtune.errors import InputError
from ocrtune.synth.texts import config as config_module
from ocrtune.synth.texts.config import Texts, TextsConfig

RECIPE = r"""
sources:
- strings: words.txt
  weight: 2
- template: '{item}    {price} {unit}'
  lists:
    item: off.csv:product_name, brands
    unit: [kg, stk]
  per_item: 2
  longest: 7
  weight: 2
  gapped: 0.5
  widest_gap: 6
- regex: GL-\d{4}
- symbols: ABC
  lengths: [2, 3]
- charset: symbols.txt
  lengths: [30, 30]
- corpus: book.txt
  lengths: [15, 20]
  doubled: 1
- dictionary: nb_NO
- strings: [x, yy, zz]
  lengths: flat
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "words.txt").write_text("melk\nost\nmelk\n")
    (tmp_path / "off.csv").write_text(
        "id\tproduct_name\tbrands\n1\tBrød\tBakeren\n4\tKneippbrød\t\n2\t\tTine\n3\n", "utf-8"
    )
    (tmp_path / "symbols.txt").write_text("\n".join("pqrs") + "\n")
    (tmp_path / "book.txt").write_text("det var en gang en konge som hadde et stort rike\n" * 2)
    (tmp_path / "dict").mkdir()
    (tmp_path / "dict" / "nb_NO.dic").write_text("1\nordbok/A\n")
    (tmp_path / "eval.json").write_text(json.dumps({"symbols": {"o": {"recall": 0.2, "count": 50}}}))
    monkeypatch.setattr(config_module, "dictionary_folders", lambda: (tmp_path / "dict",))
    return tmp_path


def parse(recipe: str) -> TextsConfig:
    return TextsConfig.model_validate(yaml.safe_load(recipe))


def draw(texts: Texts, n: int) -> list[str]:
    return [texts.source.text(i, np.random.default_rng((3, i))) for i in range(n)]


def test_every_kind_of_source_is_mixed_by_weight(folder: Path) -> None:
    texts = parse(RECIPE).build(folder, seed=1, lines=1000)
    assert texts.lines == 1000
    kinds = Counter()
    shapes = {
        "strings": "melk|ost",
        "template": r"(Brød|Bakeren|Tine) {4,6}\d+,\d\d {1,6}(kg|stk)",
        "regex": r"GL-\d{4}",
        "symbols": "[ABC]{2,3}",
        "charset": "[pqrs]{30}",
        "corpus": "[a-z ]{16,21}",
        "dictionary": "ordbok",
        "lengths": "x|yy|zz",
    }
    drawn = draw(texts, 1000)
    for text in drawn:
        kinds.update(kind for kind, shape in shapes.items() if re.fullmatch(shape, text))
    assert kinds == {kind: 200 if kind in ("strings", "template") else 100 for kind in shapes}
    assert Counter(drawn)["x"] == 50
    assert drawn[:50] == draw(pickle.loads(pickle.dumps(texts)), 50)
    assert drawn == draw(parse(RECIPE).build(folder, seed=1, lines=1000), 1000)
    assert drawn != draw(parse(RECIPE).build(folder, seed=2, lines=1000), 1000)


def test_the_recipe_in_the_guide_is_one() -> None:
    guide = Path(__file__).parents[3] / "docs" / "texts.md"
    (recipe,) = re.findall("```yaml\n(.*?)```", guide.read_text("utf-8"), re.DOTALL)
    config = parse(recipe)
    assert [
        next(iter(source.model_fields_set & set(config_module.SOURCE_KINDS))) for source in config.sources
    ] == [
        "strings",
        "template",
        "regex",
        "symbols",
        "corpus",
        "dictionary",
    ]
    assert config.minimum == 20


def test_cases_come_before_symbols_are_doubled(folder: Path) -> None:
    source = {"strings": ["ab"], "case": {"upper": 1}, "doubled": 1}
    made = TextsConfig.model_validate({"sources": [source]}).build(folder, 0, 20).source
    assert {made.text(i, np.random.default_rng(i)) for i in range(20)} == {"AAB", "ABB"}


def test_what_was_left_out_is_noted(folder: Path) -> None:
    notes = parse(RECIPE).build(folder, seed=1, lines=10).notes
    assert notes[0].endswith(
        f"words.txt: 2 strings; left out: 1 duplicate (the first: {folder}/words.txt:3: duplicate: 'melk')"
    )
    assert "off.csv: 3 strings; left out: 2 empty, 1 malformed row, 1 too long (the first: " in notes[1]
    assert len(notes) == 6


def test_emphasis_and_balance(folder: Path) -> None:
    recipe = "{sources: [{strings: words.txt}], emphasis: eval.json, balanced: symbols.txt, minimum: 3}"
    texts = parse(recipe).build(folder, seed=0, lines=20)
    drawn = Counter(draw(texts, texts.lines))
    assert drawn["ost"] == 20
    assert "melk" not in drawn
    assert texts.lines == 20 + 2
    counts = Counter("".join(drawn.elements()))
    assert min(counts[symbol] for symbol in "pqrs") >= 3
    assert texts.notes[1].startswith("too rare: p (0), q (0), r (0); added 0 lines")


@pytest.mark.parametrize(
    ("recipe", "pass_length"),
    [
        ("{sources: [{strings: [a, b, c], doubled: 1}]}", 3),
        ("{sources: [{template: '{x} {n}', lists: {x: [a, b]}, per_item: 20}]}", 40),
        ("{sources: [{template: '{n}'}]}", None),
        ("{sources: [{regex: a}]}", None),
        ("{sources: [{strings: [a]}, {strings: [b]}]}", None),
        ("{sources: [{strings: [a, o]}], emphasis: eval.json}", None),
    ],
)
def test_a_single_source_says_how_long_a_pass_is(folder: Path, recipe: str, pass_length: int | None) -> None:
    assert parse(recipe).build(folder, seed=0, lines=1).pass_length == pass_length


def test_a_configuration_survives_yaml(folder: Path) -> None:
    config = parse(RECIPE)
    assert parse(yaml.safe_dump(config.model_dump(mode="json"))) == config
    assert TextsConfig(sources=config.sources) == config


def test_every_field_says_what_it_does() -> None:
    models = [TextsConfig, *config_module.SOURCE_KINDS.values()]
    undocumented = [
        f"{model.__name__}.{name}"
        for model in models
        for name, field in model.model_fields.items()
        if not field.description
    ]
    assert undocumented == []


@pytest.mark.parametrize(
    ("recipe", "place", "message"),
    [
        ("{sources: []}", "sources", "Tuple should have at least 1 item"),
        ("{}", "sources", "Field required"),
        ("{sources: [{string: a}]}", "sources.0", "a text source has one of the keys strings, template,"),
        ("{sources: [melk]}", "sources.0", "a text source has one of the keys"),
        ("{sources: [{regex: a, strings: b}]}", "sources.0.strings.regex", "Extra inputs are not permitted"),
        ("{sources: [{regex: a, per_item: 2}]}", "sources.0.regex.per_item", "Extra inputs"),
        ("{sources: [{regex: a, weight: 0}]}", "sources.0.regex.weight", "greater than 0"),
        ("{sources: [{regex: a, weight: .inf}]}", "sources.0.regex.weight", "finite number"),
        ("{sources: [{regex: a, doubled: 2}]}", "sources.0.regex.doubled", "less than or equal to 1"),
        ("{sources: [{regex: a, widest_gap: 3}]}", "sources.0.regex", "`widest_gap` does nothing without"),
        ("{sources: [{template: a, per_item: 3}]}", "sources.0.template", "`per_item` does nothing without"),
        ("{sources: [{regex: a}], minimum: 3}", "", "`minimum` and `balanced` go together"),
        ("{sources: [{regex: a}], candidates: 3}", "", "`candidates` does nothing without `emphasis`"),
    ],
)
def test_wrong_keys_and_values(recipe: str, place: str, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        parse(recipe)
    first: Any = caught.value.errors()[0]
    assert ".".join(map(str, first["loc"])) == place
    assert message in first["msg"]


def test_inputs_are_opened_when_built_not_before(folder: Path) -> None:
    config = parse("{sources: [{strings: absent.txt}]}")
    with pytest.raises(InputError, match=r"absent\.txt is missing, or no file"):
        config.build(folder, seed=0, lines=1)
