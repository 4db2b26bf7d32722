"""Profiles: which effects a material shows, how often and how strongly, read from YAML."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, get_args

import numpy as np
import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    create_model,
)

from ocrtune.errors import InputError
from ocrtune.synth.looks.effects import Effect, OneOf, Parameter, Span, effect_name, parameters
from ocrtune.synth.looks.plan import STAGES, LookPlan
from ocrtune.yaml_file import parse_yaml, read_yaml

Range = tuple[float, float]
"""Lowest and highest value of an even draw."""


class EffectRanges(BaseModel):
    """What a profile says of one effect; made for each effect with its parameters as fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    probability: Annotated[float, Field(ge=0, le=1)]


def _within(span: Span, value: Any, whole: bool = False) -> Range:
    """A range as a profile gives it: `[low, high]`, or one number for both; of whole numbers if asked."""
    ends = value if isinstance(value, list | tuple) else [value, value]
    if len(ends) != 2 or not all(type(end) in (int, float) for end in ends):
        raise ValueError(f"{value!r} is not a range; write [low, high] or one number")
    low, high = ends
    if whole and not all(type(end) is int for end in ends):
        raise ValueError(f"[{low}, {high}] will not do: this parameter takes whole numbers")
    if not low <= high:
        raise ValueError(f"[{low}, {high}] is not a range; the lower number comes first")
    if not span.low <= low or not high <= span.high:
        raise ValueError(f"[{low}, {high}] is not within {span.low}..{span.high}, which this parameter takes")
    return low, high


def _options(parameter: Parameter, value: Any, info: ValidationInfo) -> tuple[Any, ...]:
    """Options as a profile gives them: a list, or one; each checked, and expanded if it stands for more."""
    given = value if isinstance(value, list | tuple) else [value]
    if not given:
        raise ValueError("the list is empty; give at least one option")
    # A pair is a list of its own: [[ink, paper]].
    checked = [_option(parameter, option) for option in given]
    if isinstance(parameter.drawn, OneOf) and parameter.drawn.expand:
        folder = (info.context or {}).get("folder", Path())
        checked = [option for given in checked for option in parameter.drawn.expand(given, folder)]
    return tuple(checked)


def _option(parameter: Parameter, value: Any) -> Any:
    try:
        return TypeAdapter(parameter.type).validate_python(value)
    except ValidationError as error:
        raise ValueError(f"{value!r} will not do: {error.errors()[0]['msg']}") from error


def _ranges_model(effect: type[Effect]) -> type[EffectRanges]:
    fields: dict[str, Any] = {}
    for parameter in parameters(effect):
        if isinstance(parameter.drawn, Span):
            check = BeforeValidator(partial(_within, parameter.drawn, whole=parameter.is_integer))
            pair: Any = tuple[int, int] if parameter.is_integer else tuple[float, float]
            fields[parameter.name] = (Annotated[pair, check], ...)
        elif isinstance(parameter.drawn, OneOf):
            options = partial(_options, parameter)
            fields[parameter.name] = (Annotated[tuple[Any, ...], BeforeValidator(options)], ...)
    return create_model(f"{effect.__name__}Ranges", __base__=EffectRanges, **fields)


class StageRanges(BaseModel):
    """What a profile says of one stage; made for each stage with its effects as fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _stage_model(stage: str) -> type[StageRanges]:
    fields: dict[str, Any] = {
        effect_name(effect): (_ranges_model(effect) | None, None) for effect in STAGES[stage]
    }
    return create_model(f"{stage.title()}Ranges", __base__=StageRanges, **fields)


if TYPE_CHECKING:
    InkRanges: TypeAlias = StageRanges
    GeometryRanges: TypeAlias = StageRanges
    SurroundingsRanges: TypeAlias = StageRanges
    PaperRanges: TypeAlias = StageRanges
    LightRanges: TypeAlias = StageRanges
    CameraRanges: TypeAlias = StageRanges
    FileRanges: TypeAlias = StageRanges
else:
    InkRanges, GeometryRanges, SurroundingsRanges, PaperRanges, LightRanges, CameraRanges, FileRanges = map(
        _stage_model, STAGES
    )


@dataclass(frozen=True, slots=True)
class _Draw:
    """One effect of a profile, ready to be drawn."""

    effect: type[Effect]
    probability: float
    at: int
    """Place of its first uniform among those of all effects: the others may come and go without moving it."""
    given: tuple[tuple[Parameter, Any], ...]

    def draw(self, uniforms: list[float], strength: float) -> Effect:
        values = []
        at = self.at + 1
        for parameter, given in self.given:
            values.append(parameter.value(given, uniforms[at : at + parameter.count], strength))
            at += parameter.count
        return self.effect(*values)


class Profile(BaseModel):
    """How lines of one material look. An effect that a profile does not name never happens."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)

    description: str
    """One sentence: which material."""
    line_height: Annotated[Range, BeforeValidator(partial(_within, Span(6, 512)))]
    """px from the top of tall letters to the foot of hanging ones."""
    fonts: Annotated[tuple[Literal["any", "sans", "serif", "monospace"], ...], Field(strict=False)] = ("any",)
    """Kinds of fonts that the material is set in."""
    letter_spacing: Annotated[Range, BeforeValidator(partial(_within, Span(-0.1, 2)))] = (0, 0)
    """em added between letters."""
    word_spacing: Annotated[Range, BeforeValidator(partial(_within, Span(-0.1, 20)))] = (0, 0)
    """em added to every space."""
    ink: InkRanges = InkRanges()
    geometry: GeometryRanges = GeometryRanges()
    surroundings: SurroundingsRanges = SurroundingsRanges()
    paper: PaperRanges = PaperRanges()
    light: LightRanges = LightRanges()
    camera: CameraRanges = CameraRanges()
    file: FileRanges = FileRanges()

    def draw(self, rng: np.random.Generator, strength: float = 1.0) -> LookPlan:
        """Draw one line's look.

        Args:
            rng: of the line; always gives the same count of numbers, whichever effects there are.
            strength: 1 for the ranges as they are, towards 0 for the milder end of each.
        """
        uniforms = rng.random(_UNIFORMS).tolist()
        drawn = [draw for draw in self._draws if uniforms[draw.at] < draw.probability]
        return LookPlan(tuple([draw.draw(uniforms, strength) for draw in drawn]))

    @cached_property
    def _draws(self) -> tuple[_Draw, ...]:
        return tuple(self._prepared())

    def _prepared(self) -> Iterator[_Draw]:
        at = 0
        for stage, effects in STAGES.items():
            for effect in effects:
                ranges = getattr(getattr(self, stage), effect_name(effect))
                if ranges is not None and ranges.probability:
                    given = tuple((p, getattr(ranges, p.name, None)) for p in parameters(effect))
                    yield _Draw(effect, ranges.probability, at, given)
                at += _uniforms(effect)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as plain data: the models of stages are made at import, which pickle cannot name."""
        return Profile.model_validate, (self.model_dump(exclude_none=True),)

    def to_yaml(self) -> str:
        """The profile, as `from_yaml` reads it; pictures by the paths of their files."""
        content = self.model_dump(mode="json", exclude_none=True)
        stages = {stage: content.pop(stage) for stage in STAGES}
        content |= {stage: effects for stage, effects in stages.items() if effects}
        return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, default_flow_style=None)

    @classmethod
    def from_yaml(cls, path: Path) -> Profile:
        """Read a profile; relative paths in it start from its folder.

        Raises:
            InputError: missing, too large, not YAML, or a key or value that is unknown or out of limits.
        """
        return cls._validated(read_yaml(path, "profile"), str(path), path.parent.resolve())

    @classmethod
    def named(cls, name: str) -> Profile:
        """The profile called `name` that ocrtune brings, or the file that `name` is the path of.

        Raises:
            InputError: there is none; and as `from_yaml`.
        """
        if name.endswith((".yaml", ".yml")):
            return cls.from_yaml(Path(name))
        names = profile_names()
        if name.lower() in _HANDWRITING:
            raise InputError(
                "handwriting is not made: what a program writes reads unlike any hand; label real lines"
            )
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
            raise InputError(f"no profile is called {name!r}; {hint} Or give the path of a .yaml file")
        text = _SHIPPED.joinpath(f"{name}.yaml").read_text(encoding="utf-8")
        source = f"profile {name}"
        return cls._validated(parse_yaml(text, source), source, Path())

    @classmethod
    def _validated(cls, content: object, source: str, folder: Path) -> Profile:
        try:
            return cls.model_validate(content, context={"folder": folder})
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"])) or "the document"
            message = first["msg"].removeprefix("Value error, ")
            if first["type"] == "extra_forbidden":
                message = _unknown(tuple(map(str, first["loc"])))
            raise InputError(f"{source}: {key}: {message}") from error


def profile_names() -> list[str]:
    """The profiles that ocrtune brings."""
    return sorted(Path(file.name).stem for file in _SHIPPED.iterdir() if file.name.endswith(".yaml"))


_HANDWRITING = frozenset({"handwriting", "handwritten"})

_SHIPPED = resources.files("ocrtune.synth") / "profiles"


def _uniforms(effect: type[Effect]) -> int:
    return 1 + sum(parameter.count for parameter in parameters(effect))


_UNIFORMS = sum(_uniforms(effect) for effects in STAGES.values() for effect in effects)


def _unknown(place: tuple[str, ...]) -> str:
    """What to say of a key that does not exist: the key that may be meant, or where it belongs."""
    *parents, key = place
    if len(parents) == 1:
        home = next((stage for stage, es in STAGES.items() if key in map(effect_name, es)), None)
        if home is not None:
            return f"{key} belongs under {home}"
    model: type[BaseModel] = Profile
    for parent in parents:
        annotation: Any = model.model_fields[parent].annotation
        model = next((part for part in get_args(annotation) if part is not type(None)), annotation)
    near = difflib.get_close_matches(key, model.model_fields, n=1)
    return f"unknown; {f'did you mean {near[0]}?' if near else 'there are ' + ', '.join(model.model_fields)}"
