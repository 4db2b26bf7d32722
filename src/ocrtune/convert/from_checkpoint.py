"""`ocrtune convert`: a checkpoint of another project into a bundle, which then does all that bundles do."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from ocrtune.bundle import Architecture, Manifest, ModelBundle, Option, file_digest, write_bundle
from ocrtune.config import is_checkpoint
from ocrtune.convert.checkpoint import read_checkpoint
from ocrtune.convert.export import drawn_lines
from ocrtune.convert.identify import Identified, identify, shortfall
from ocrtune.convert.onnx_export import export_onnx, verify_onnx
from ocrtune.convert.symbols import EASYOCR_ENGLISH, choose_charset, is_easyocr
from ocrtune.decoding import ClassLayout
from ocrtune.errors import InputError
from ocrtune.models import build, canonical_name
from ocrtune.output import refuse_existing
from ocrtune.preprocess import PreprocessSpec, width_buckets
from ocrtune.reading.models import FoundModel, find_model

LEAST_SHARE = 0.9
"""Of the body's weights that a checkpoint must have: with fewer, most of what is read is noise."""

BENCHMARK_LENGTH = 25  # the default of --batch_max_length

REPLAYED_LINES = 8
SHOWN_NAMES = 6

Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class TrainedWith:
    """Options of a checkpoint's training that its tensors do not tell; None is its project's default."""

    height: int | None = None
    width: int | None = None
    pad: bool = False
    """Proportions were kept and the rest padded (`--PAD`), not every image stretched."""
    max_length: int | None = None
    """Symbols that an attention decoder emits at most (`--batch_max_length`)."""


DEFAULTS = TrainedWith()


@dataclass(frozen=True, slots=True)
class Converted:
    """A network with the weights of a checkpoint, and what it is."""

    network: nn.Module
    manifest: Manifest


def convert_checkpoint(
    path: Path,
    output: Path,
    *,
    character: str | None = None,
    arch: str | None = None,
    trained: TrainedWith = DEFAULTS,
    overwrite: bool = False,
    note: Note = lambda text: None,
) -> ModelBundle:
    """Turn the checkpoint `path` into the bundle `output`.

    Args:
        path: a `.pth` file of deep-text-recognition-benchmark, EasyOCR, crnn.pytorch or ModelScope.
        output: folder of the bundle.
        character: symbols of its classes, see `convert.symbols`.
        arch: the network it should be; another one is an error.
        trained: what else is known of its training.
        overwrite: whether an older bundle there may go.
        note: is told what was found and decided.

    Raises:
        InputError: the file is no such checkpoint, or not of `arch`, or the symbols do not fit.
        BarError: the exported network reads otherwise than the network.
    """
    refuse_existing(output, overwrite=overwrite)
    converted = load_checkpoint(path, character=character, arch=arch, trained=trained, note=note)
    return _write(converted, output)


@contextlib.contextmanager
def opened_base(model: str, character: str | None, arch: str | None, note: Note) -> Iterator[FoundModel]:
    """What `--base` names; of a checkpoint, the bundle that it becomes, which goes away afterwards.

    Raises:
        InputError: as `convert_checkpoint` and `find_model`.
    """
    if not is_checkpoint(model):
        yield find_model(model)
        return
    with tempfile.TemporaryDirectory(prefix="ocrtune-base-") as folder:
        converted = load_checkpoint(Path(model), character=character, arch=arch, note=note)
        _write(converted, Path(folder) / "base")
        yield find_model(Path(folder) / "base")


def load_checkpoint(
    path: Path,
    *,
    character: str | None,
    arch: str | None,
    trained: TrainedWith = DEFAULTS,
    note: Note,
) -> Converted:
    """The network of a checkpoint, in eval mode; parameters and errors as of `convert_checkpoint`."""
    found = identify(read_checkpoint(path), str(path))
    note(f"{path}: this is {found}")
    if arch is not None and canonical_name(arch) != found.name:
        raise InputError(
            f"{path}: this is {found}; you asked for {arch}: leave --arch out, or give another checkpoint"
        )
    layout = ClassLayout("attention" if found.attention else "ctc")
    count = found.num_classes - layout.specials
    if count < 1:
        raise InputError(f"{path}: this is {found}, too few for a symbol; it is damaged")
    charset, source = choose_charset(character, count, f"{path}: this is {found}")
    note(f"symbols: {source}")
    easyocr = is_easyocr(character) or (found.name == "crnn" and "".join(charset.symbols) == EASYOCR_ENGLISH)
    if easyocr:
        found = replace(found, project="EasyOCR")
    spec = _images(found, trained)
    note(
        f"images: {spec.height} px high, {spec.channels}, "
        + (f"stretched to {spec.width_buckets[0]} px" if spec.fit == "fill" else "proportions kept")
    )
    found = replace(found, options=found.options | _reach(found, trained, note))
    network = build(found.name, found.options, found.num_classes)
    _load(network, found, path, note)
    manifest = Manifest(
        name=path.stem,
        architecture=Architecture(name=found.name, options=found.options),
        symbols=charset.symbols,
        classes=layout.kind,
        preprocess=spec,
        licence="not stated in the checkpoint",
        origin=f"converted from {path.name}, a {found.title} of {found.project}",
        training={"checkpoint": path.name, "sha256": file_digest(path)},
    )
    return Converted(network.eval(), manifest)


def _load(network: nn.Module, found: Identified, path: Path, note: Note) -> None:
    """Fill `network`, and say what the checkpoint did not have or was not used."""
    wanted = network.state_dict()
    share, lacking, unknown = shortfall(found.state, wanted)
    lacking = [name for name in lacking if name != "rectifier.basis"]  # computed from the sizes
    for names, what in ((lacking, "not in the checkpoint, left random"), (unknown, "not used")):
        if names:
            note(f"{what}: {_named(names)}")
    if share < LEAST_SHARE:
        raise InputError(
            f"{path}: this is {found}, but it has only {share:.0%} of that network's weights (first missing: "
            f"{lacking[0]}); at least {LEAST_SHARE:.0%} are needed"
        )
    fitting = {name: t for name, t in found.state.items() if name in wanted and name not in lacking}
    network.load_state_dict(wanted | fitting)


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(names[:SHOWN_NAMES]) + more


def _reach(found: Identified, trained: TrainedWith, note: Note) -> dict[str, Option]:
    """The length of texts, which an attention decoder must be told."""
    if not found.attention:
        if trained.max_length is not None:
            raise InputError(f"--max-length is for attention networks; this is {found}: leave it out")
        return {}
    longest = trained.max_length or BENCHMARK_LENGTH
    note(f"texts: at most {longest} symbols{'' if trained.max_length else '; for more give --max-length'}")
    return {"max_length": longest}


def _images(found: Identified, trained: TrainedWith) -> PreprocessSpec:
    """The preprocessing of the project, with what the user knows better.

    Raises:
        InputError: the network straightens images of another size.
    """
    height, width = found.options.get("height", trained.height), found.options.get("width", trained.width)
    if (trained.height or height, trained.width or width) != (height, width):
        raise InputError(
            f"--height and --width: this network straightens images of {height} x {width} px only; "
            "leave them out"
        )
    channels: dict[str, object] = {"channels": "gray" if found.image_channels == 1 else "rgb"}
    if found.project == "ModelScope":
        # Black behind the line, values from 0 to 1.
        channels |= {"mean": 0.0, "std": 255.0, "interpolation": "linear"}
        buckets = (int(width),) if isinstance(width, int) else width_buckets(32, 1712)
        return PreprocessSpec.model_validate({"height": height or 32, "width_buckets": buckets, **channels})
    channels |= {"interpolation": "bicubic", "padding": "edge"}
    if found.project == "EasyOCR" and not trained.pad and width is None:
        buckets = width_buckets(64, 3424, multiple=32)
        return PreprocessSpec.model_validate({"height": height or 64, "width_buckets": buckets, **channels})
    return PreprocessSpec.model_validate(
        {
            "height": height or 32,
            "width_buckets": (width or 100,),
            "fit": "ratio" if trained.pad else "fill",
            **channels,
        }
    )


def _write(converted: Converted, output: Path) -> ModelBundle:
    """Write the bundle, with an ONNX file that reads drawn lines as the network does."""
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as folder:
            onnx_file = Path(folder) / "model.onnx"
            export_onnx(converted.network, converted.manifest, onnx_file)
            verify_onnx(converted.network, converted.manifest, onnx_file, drawn_lines(REPLAYED_LINES))
            weights = {name: w.contiguous().numpy() for name, w in converted.network.state_dict().items()}
            return write_bundle(output, converted.manifest, weights, onnx_file)
    except OSError as error:
        raise InputError(f"cannot write {output}: {error.strerror}; choose another place") from error
