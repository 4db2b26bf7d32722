"""The configuration of each stage: the same model is command-line flags, YAML and the record kept.

The docstring under a field is its `--help`.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from cyclopts import Parameter
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from ocrtune.errors import InputError
from ocrtune.yaml_file import read_yaml

CHECKPOINT_SUFFIXES = (".pth", ".pt", ".ckpt")
"""What a checkpoint of another project is called; `ocrtune convert` makes a bundle of one."""


def is_checkpoint(model: str) -> bool:
    """Whether MODEL is called as checkpoints are."""
    return Path(model).suffix.lower() in CHECKPOINT_SUFFIXES


def _typed_number(value: object) -> object:
    """A number typed on the command line, where pydantic gets text; a literal does not parse it."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _batch_size(value: object) -> object:
    """A number of lines, or `auto`; said here, or a union of the two would report each failure by itself."""
    number = _typed_number(value)
    if number is None or number == "auto" or (type(number) is int and number >= 1):
        return number
    raise ValueError("give a number of lines above 0, or auto")


class TrainConfig(BaseModel):
    """What `ocrtune train` does. Every None is chosen by the recipe and shown before the first epoch."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    train: tuple[str, ...] = ()
    """Labelled lines to train on: folders, label files, LMDBs, or synth:RECIPE.yaml, whose lines are drawn \
as they are needed, in a new look in each epoch; PATH@2 visits its lines twice as often. \
Only a resumed run knows its own."""
    val: tuple[str, ...] = ()
    """Labelled lines to validate on. Without it about a tenth is split off, whole pages by name."""
    output: Annotated[Path, Parameter(alias="-o")]
    """Folder of the run; `best` in it is the model."""
    base: str = "ppocrv6-small"
    """Model to start from: a base's name, a run folder, a bundle, or a .pth of \
deep-text-recognition-benchmark, EasyOCR, crnn.pytorch or ModelScope; `none` starts from random weights."""
    arch: str | None = None
    """Network, with `--base none`: ppocrv6-small, crnn, easyocr-gen2, tps-resnet-bilstm-attn or any other \
[tps-]{vgg,rcnn,resnet}[-bilstm]-{ctc,attn}. With a .pth: what it should be."""
    character: str | None = None
    """Symbols that a .pth given as `--base` reads, in the order of its classes, as for `ocrtune convert`."""
    vocab: str = "data"
    """Symbols of the new model: `data` (those of the labels and printable ASCII, of one case if the labels \
have one), `keep` (those and all of the base) or a UTF-8 file with one symbol per line."""
    images: Path | None = None
    """Folder that image paths in label files are relative to."""
    unlabelled: Path | None = None
    """Folder of line images without labels: what is read surely of them joins the lines of another round."""
    rounds: Annotated[int, Field(ge=1)] = 2
    """Rounds with `--unlabelled`, each from the model of the one before; one that reads worse ends them."""
    trust: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """Share of the readings taken from `--unlabelled` that must be right, as the validation lines tell."""
    symbol_visits: Annotated[int, Field(ge=1)] | None = None
    """Appearances of each symbol in an epoch, at least: lines with rarer ones are visited more often, up to
    ten times."""
    augment: Literal["none", "light", "strong"] = "strong"
    """Random changes to the training images: light, shape, blur, noise, compression, crop."""
    epochs: Annotated[int, Field(ge=1)] | None = None
    """Visits of every training line."""
    steps: Annotated[int, Field(ge=1)] | None = None
    """Stop after this many batches, instead of `--epochs`."""
    val_every: Annotated[int, Field(ge=1)] | None = None
    """Batches between validations, besides the one at the end of each epoch."""
    batch_size: Annotated[int | Literal["auto"] | None, BeforeValidator(_batch_size)] = None
    """Lines of 320 px width in a batch, of all processes together; narrower lines come in larger number. \
`auto`: on a GPU more of them where there are many lines, computed in pieces that memory holds."""
    accumulate: Annotated[int, Field(ge=1)] = 1
    """Batches whose gradients are added up to a step: as one so many times as large, in the memory of one."""
    lr: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Highest learning rate of the one-cycle schedule."""
    time_stride: Annotated[Literal[4, 8], BeforeValidator(_typed_number)] | None = None
    """px of input width per time step of PP-OCRv6; 4 reads narrow repeats such as "lll" and "....". """
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to train."""
    workers: Annotated[int, Field(ge=1)] | None = None
    """Threads that prepare images."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Of order and augmentation."""
    patience: Annotated[int, Field(ge=1)] | None = None
    """Validations without a better score before training stops early."""
    way_back: Literal["auto", "never"] = "auto"
    """Where only made lines validate, go back towards the base at the end as far as what was gained on them
    stays: they do not tell what was forgotten of real print. `never` keeps what training led to."""
    replay: str | None = None
    """General lines to train beside the material, so that the base's reading of them stays: `auto` draws them
    in the symbols that are kept, PATH has your own, `none` goes without. [default: auto with --vocab keep]"""
    guard: str | None = None
    """General lines to read with every validation; `best` may not read them worse than the base by more than
    `--max-drop`: `auto` (drawn), PATH, or `none`. [default: auto with --vocab keep]"""
    max_drop: Annotated[float, Field(ge=0, le=1)] | None = None
    """Share of the guard's lines that may be read exactly no more, beside what chance explains: the root of
    broken and mended lines. [default: 0.005]"""
    fonts: tuple[Path, ...] = ()
    """Font files or folders to draw the general lines with. [default: the system's and matplotlib's]"""
    max_minutes: Annotated[float, Field(gt=0)] | None = None
    """Stop after the batch in which this time is reached."""
    max_bad: Annotated[float, Field(ge=0, le=1)] = 0.02
    """Share of unusable lines above which nothing is trained."""
    overwrite: bool = False
    """Replace a run that is already in the output folder."""

    @model_validator(mode="after")
    def _no_contradictions(self) -> Self:
        if self.base == "none" and self.arch is None:
            raise ValueError("--base none needs --arch: ppocrv6-small, crnn, tps-resnet-bilstm-attn, …")
        if self.base != "none" and not is_checkpoint(self.base) and self.arch is not None:
            raise ValueError("--arch goes with --base none only: a base brings its own network")
        if self.character is not None and not is_checkpoint(self.base):
            raise ValueError("--character goes with a .pth as --base; other bases bring their symbols")
        if self.base == "none" and self.vocab == "keep":
            raise ValueError("--vocab keep needs a base whose symbols to keep; use --vocab data")
        if self.unlabelled is not None and not self.val:
            raise ValueError("--unlabelled needs --val: its lines tell which readings can be trusted")
        if self.unlabelled is None and (self.rounds != 2 or self.trust != 0.95):
            raise ValueError("--rounds and --trust go with --unlabelled only; leave them out")
        if self.batch_size == "auto" and self.accumulate > 1:
            raise ValueError(
                "--batch-size auto cuts a batch by memory; leave --accumulate out, or give a number"
            )
        if self.epochs is not None and self.steps is not None:
            raise ValueError("--epochs and --steps exclude each other; give one")
        for option, given in (("replay", self.replay), ("guard", self.guard)):
            if self.base == "none" and given not in (None, "none"):
                raise ValueError(
                    f"--{option} keeps what a base reads, and --base none has none; leave it out"
                )
        is_guarded = self.guard not in (None, "none") or (self.guard is None and self.vocab == "keep")
        if self.max_drop is not None and not is_guarded:
            raise ValueError("--max-drop says how much a guard allows; add --guard auto or --guard PATH")
        return self

    def to_yaml(self) -> str:
        """The whole configuration, as `from_yaml` reads it."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)

    @classmethod
    def from_yaml(cls, path: Path) -> TrainConfig:
        """Read and validate a configuration file.

        Raises:
            InputError: missing, too large, not YAML, or a field that is unknown or out of range.
        """
        content = read_yaml(path, "configuration")
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or "the document"
            near = difflib.get_close_matches(place, cls.model_fields, n=1)
            hint = f"; did you mean {near[0]}?" if first["type"] == "extra_forbidden" and near else ""
            raise InputError(f"{path}: {place}: {first['msg']}{hint}") from error


class RetrainConfig(BaseModel):
    """What `ocrtune retrain` does."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    from_corrections: Path
    """File that `ocrtune serve --collect` wrote; it may be in use."""
    output: Annotated[Path, Parameter(alias="-o")]
    """Folder for the lines, the run and what was found; the same command again goes on where it stopped."""
    base: str | None = None
    """Model to start from and to be better than: a base's name, a run folder or a bundle; else the one that \
--service reads with, or the base."""
    min_lines: Annotated[int, Parameter(name="--min"), Field(ge=20)] = 50
    """Corrections without which nothing is done."""
    all: bool = False
    """Train on corrections that nobody has reviewed yet as well."""
    train: tuple[str, ...] = ()
    """Further labelled lines to train on, as for `ocrtune train`."""
    guard: tuple[str, ...] = ()
    """Labelled lines that must be read as well as before: what the model was good at already."""
    max_drop: Annotated[float, Field(ge=0, le=1)] = 0.01
    """What may be lost on --guard, as a fraction: of exact match, or in character errors."""
    sure: bool = False
    """Take the new model only if its gain on the kept-back lines is hardly chance (p < 0.05)."""
    epochs: Annotated[int, Field(ge=1)] | None = None
    """Visits of every training line."""
    steps: Annotated[int, Field(ge=1)] | None = None
    """Stop after this many batches, instead of `--epochs`."""
    max_minutes: Annotated[float, Field(gt=0)] | None = None
    """Stop training after the batch in which this time is reached."""
    lr: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Highest learning rate, as for `ocrtune train`."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to train."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Of training, and of which pages are kept back; with the same one they stay so in the next round."""
    models: Path | None = None
    """Folder that a better model is copied into; the one that `ocrtune serve --models` was started with."""
    service: str | None = None
    """Address of the service that is to read with a better model, such as http://localhost:5000."""
    token: Annotated[str | None, Parameter(env_var="OCRTUNE_TOKEN")] = None
    """An admin's token for the service; better in the environment, where other users do not see it."""
    overwrite: bool = False
    """Replace an earlier retraining in the output folder."""

    @model_validator(mode="after")
    def _no_contradictions(self) -> Self:
        if self.epochs is not None and self.steps is not None:
            raise ValueError("--epochs and --steps exclude each other; give one")
        if self.service is not None and self.models is None:
            raise ValueError("--service needs --models: the folder that the service was started with")
        if self.service is not None and not self.guard:
            raise ValueError(
                "--service needs --guard: labelled lines of what the model must not forget; "
                "without --service nothing is activated"
            )
        return self


class ServeConfig(BaseModel):
    """What `ocrtune serve` serves, to whom, and how much of it at once."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    model: Annotated[str | None, Parameter(alias="-m")] = None
    """Model that is active first: a base's name, a run folder, a bundle or an ONNX file; else the base."""
    models: Path | None = None
    """Folder of further models, which requests and switches may name: run folders, bundles and ONNX files."""
    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 is every one this machine has."""
    port: Annotated[int, Field(ge=0, lt=2**16)] = 5000
    """Port to listen on; 0 is any that is free."""
    tokens: Path | None = None
    """File with a line `NAME TOKEN`, or `NAME TOKEN admin` for who may also switch models, for each client; \
without it everybody who reaches the port may do everything."""
    cors_origin: tuple[str, ...] = ()
    """Origins, such as https://example.org, whose web pages may use the service."""
    allow_host: tuple[str, ...] = ()
    """Names in the Host header that are answered; by default any, but on a loopback address only its own."""
    max_mib: Annotated[int, Field(ge=1, le=64)] = 32
    """MiB of a request."""
    max_mpx: Annotated[int, Field(ge=1, le=64)] = 40
    """Million pixels of an image, by its header; A4 at 600 dpi has 35."""
    max_pages: Annotated[int, Field(ge=1, le=500)] = 20
    """Pages of a PDF or TIFF."""
    max_images: Annotated[int, Field(ge=1, le=1000)] = 16
    """Images of a request."""
    queue: Annotated[int, Field(ge=1, le=10_000)] = 128
    """Requests that are taken before they are answered; the next one is told to come again."""
    deadline: Annotated[float, Field(gt=0, le=3600)] = 60.0
    """Seconds until a request is given up."""
    collect: Path | None = None
    """SQLite file to keep lines in that people correct on the page or over the API, with their pictures, to \
train on later (docs/corrections.md); without it nothing is kept."""
    max_corrections: Annotated[int, Field(ge=1, le=10**6)] = 20_000
    """Corrections in that file at most."""
    max_collected_mib: Annotated[int, Field(ge=1, le=2**20)] = 512
    """MiB of pictures in that file at most."""

    @model_validator(mode="after")
    def _origins_are_origins(self) -> Self:
        for origin in self.cors_origin:
            scheme, _, rest = origin.partition("://")
            if scheme not in ("http", "https") or not rest or set(rest) & set("/*?# "):
                raise ValueError(f"--cors-origin {origin} is no origin; write it like https://example.org")
        return self
