"""Training in rounds on images without labels: what one round's model reads surely, the next one learns from.

How sure is sure enough is measured on the validation lines, never assumed; and a round after which they are
read worse is not kept.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ocrtune.bundle import replace_directory
from ocrtune.config import TrainConfig
from ocrtune.data.dataset import LineDataset, open_dataset
from ocrtune.data.images import ImageError
from ocrtune.data.label_file import FileImage
from ocrtune.data.unlabelled import list_images, read_images
from ocrtune.errors import InputError
from ocrtune.evaluate.metrics import Metrics, comparable
from ocrtune.output import write_json, write_text
from ocrtune.reading.models import find_model
from ocrtune.reading.recognizer import OnnxRecognizer, Recognizer
from ocrtune.records import Image, Prediction
from ocrtune.train.folder import BEST
from ocrtune.train.run import train
from ocrtune.train.state import STATE_FOLDER
from ocrtune.workflows.trust import Trust, find_trust

ROUNDS_FILE = "rounds.json"
"""Names a folder of rounds; holds its options and what each round came to."""

CHUNK = 64
"""Images in memory at once."""


@dataclass(frozen=True, slots=True)
class Round:
    """What a round came to."""

    number: int
    """0 is that of the labelled lines alone."""
    taken: int
    """Readings that joined the lines."""
    trust: Trust | None
    """Why those; None for round 0, and where no reading is sure enough."""
    exact_match: float
    cer: float
    """On all validation lines; where there was nothing to take, those of the round before."""
    kept: bool

    def to_json(self) -> dict[str, object]:
        """For the file."""
        trust = None if self.trust is None else self.trust.to_json()
        figures = {"exact_match": self.exact_match, "cer": self.cer}
        return {"number": self.number, "taken": self.taken, "trust": trust, "kept": self.kept, **figures}


@dataclass(frozen=True, slots=True)
class RoundsResult:
    """What training in rounds left behind."""

    rounds: tuple[Round, ...]
    best: Path
    """The bundle of the last round that was kept."""
    stopped: signal.Signals | None
    """The signal that ended it early; it can be resumed."""


def train_in_rounds(config: TrainConfig, *, resume: bool, note: Callable[[str], None]) -> RoundsResult:
    """Train on labelled lines, then on those and on what is read surely of `config.unlabelled`, in rounds.

    The folder `config.output` gets a run for each round (`round-0`, …), the readings that each learned from
    (`taken-1.txt`, …, label files to look through), `rounds.json`, and `best`.

    Args:
        config: of every round; the later ones start from the model of the last that was kept.
        resume: go on where it was stopped, with its own options.
        note: is told what was taken and kept.

    Raises:
        InputError: wrong options or unreadable input, as `train`; no image to read; several processes.
        BarError: as `train`.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise InputError("--unlabelled trains in one process; start it without torchrun or accelerate launch")
    story = _Story.resumed(config) if resume else _Story.begun(config)
    config, folder = story.config, config.output
    unlabelled = _unknown_images(config, note)
    rounds: list[Round] = []
    for number in range(config.rounds + 1):
        kept = [done for done in rounds if done.kept]
        model = str(folder / f"round-{kept[-1].number}") if kept else config.base
        told = story.told(number)
        if told is not None:
            rounds.append(told)
        elif number == 0:
            metrics, stopped = _train(config, folder / "round-0", (), model)
            if stopped is not None:
                return RoundsResult(tuple(rounds), folder / BEST, stopped)
            rounds.append(Round(0, 0, None, metrics.exact_match, metrics.cer, kept=True))
        else:
            taken_file = folder / f"taken-{number}.txt"
            trust, taken = take_readings(open_reader(model), config, unlabelled, taken_file, note)
            note(f"round {number}: {_describe(trust, taken, len(unlabelled), config.trust)}")
            last = kept[-1]
            if trust is None or taken == 0:
                rounds.append(Round(number, 0, trust, last.exact_match, last.cer, kept=False))
            else:
                metrics, stopped = _train(config, folder / f"round-{number}", (str(taken_file),), model)
                if stopped is not None:
                    return RoundsResult(tuple(rounds), folder / BEST, stopped)
                better = (metrics.cer, -metrics.exact_match) <= (last.cer, -last.exact_match)
                rounds.append(Round(number, taken, trust, metrics.exact_match, metrics.cer, kept=better))
        done = rounds[-1]
        if told is None:
            if done.kept:
                _copy_best(folder / f"round-{number}" / BEST, folder / BEST)
            story.tell(rounds)  # last: a round that was not told is done again
        note(_outcome(done, kept[-1] if kept else None))
        if not done.kept:
            break
    return RoundsResult(tuple(rounds), folder / BEST, None)


def open_reader(model: str) -> Recognizer:
    """The model that reads what is unlabelled."""
    found = find_model(model)
    return OnnxRecognizer(found.manifest, found.onnx_path)


def take_readings(
    reader: Recognizer, config: TrainConfig, unlabelled: list[Path], target: Path, note: Callable[[str], None]
) -> tuple[Trust | None, int]:
    """Write what is read surely enough of images as a label file.

    Args:
        reader: the model.
        config: its `val` tells how sure is enough, its `trust` how many of the taken must be right.
        unlabelled: image files; what cannot be decoded is not taken.
        target: of the label file; not written where nothing is taken.
        note: is told of images that cannot be read.

    Returns:
        How sure is enough, or None if nothing is; number of lines taken.
    """
    datasets = [open_dataset(path, config.images) for path in config.val]
    trust = find_trust([pair for dataset in datasets for pair in _judged(reader, dataset)], config.trust)
    if trust is None:
        return None, 0
    rows = [
        f"{path.resolve()}\t{reading.text}\n"
        for path, reading in _readings(reader, unlabelled, note)
        if reading.text.strip() and reading.confidence >= trust.confidence
    ]
    if rows:
        write_text(target, "".join(rows), overwrite=True)
    return trust, len(rows)


def _judged(reader: Recognizer, dataset: LineDataset) -> Iterator[tuple[float, bool]]:
    """How surely each labelled line is read, and whether exactly; training has listed those without image."""
    for start in range(0, len(dataset), CHUNK):
        images: dict[int, Image] = {}
        for index in range(start, min(start + CHUNK, len(dataset))):
            with contextlib.suppress(ImageError):
                images[index] = dataset.image(index)
        for index, reading in zip(images, reader.recognize(list(images.values())), strict=True):
            exact = comparable(reading.text) == comparable(dataset.entries[index].text)
            yield reading.confidence, exact


def _readings(
    reader: Recognizer, paths: list[Path], note: Callable[[str], None]
) -> Iterator[tuple[Path, Prediction]]:
    for start in range(0, len(paths), CHUNK):
        images = list(read_images(paths[start : start + CHUNK]))
        sound = [image for image in images if not isinstance(image, ImageError)]
        broken = [image for image in images if isinstance(image, ImageError)]
        if broken:
            note(f"{len(broken)} unlabelled images cannot be read and stay out, first {broken[0]}")
        read = reader.recognize([image.image for image in sound])
        yield from zip([image.path for image in sound], read, strict=True)


def _unknown_images(config: TrainConfig, note: Callable[[str], None]) -> list[Path]:
    """The images of `--unlabelled` that no labelled line has."""
    assert config.unlabelled is not None  # the caller's condition
    found = list_images(config.unlabelled)
    datasets = [open_dataset(path, config.images) for path in (*config.train, *config.val)]
    known = {
        image.location for dataset in datasets for image in dataset.images if isinstance(image, FileImage)
    }
    unknown = [path for path in found if str(path.resolve()) not in known]
    labelled = len(found) - len(unknown)
    note(
        f"{config.unlabelled}: {len(unknown)} images without a label"
        + (f"; {labelled} more have one in --train or --val and are left to that" if labelled else "")
    )
    if not unknown:
        raise InputError(f"--unlabelled {config.unlabelled}: every image in it has a label; leave it out")
    return unknown


def _train(
    config: TrainConfig, output: Path, more: tuple[str, ...], base: str
) -> tuple[Metrics, signal.Signals | None]:
    """Train a round, from the start or from where it was stopped."""
    if (output / STATE_FOLDER).is_dir():
        result = train(TrainConfig(output=output), resume=True)
    else:
        changes = {
            "output": output,
            "train": (*config.train, *more),
            "base": base,
            "overwrite": output.exists(),
        }
        if more:
            changes["arch"] = changes["character"] = None  # they described the first base
        changes |= {
            name: TrainConfig.model_fields[name].default for name in ("unlabelled", "rounds", "trust")
        }
        result = train(TrainConfig.model_validate(config.model_dump() | changes))
    return result.metrics, result.stopped


def _copy_best(bundle: Path, target: Path) -> None:
    try:
        with tempfile.TemporaryDirectory(prefix=f".{BEST}-", dir=target.parent) as parent:
            staging = Path(parent) / BEST
            shutil.copytree(bundle, staging)
            replace_directory(staging, target)
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror}; free space and --resume") from error


def _describe(trust: Trust | None, taken: int, count: int, wanted: float) -> str:
    if trust is None:
        return (
            f"by the validation lines, no confidence makes {wanted:.0%} of the readings right: "
            "nothing comes in; add validation lines, or lower --trust"
        )
    return (
        f"{taken} of {count} unlabelled images are read with a confidence of {trust.confidence:.3f} or more "
        f"and come in; of {trust.lines} validation lines read so surely {trust.right} are right, so about "
        f"{trust.precision:.1%} of those that come in"
    )


def _outcome(done: Round, before: Round | None) -> str:
    figures = f"exact {done.exact_match:.1%}, CER {done.cer:.2%} on the validation lines"
    if before is None:
        return f"round {done.number}, labelled lines alone: {figures}"
    if done.taken == 0:
        return f"round {done.number} had nothing to learn from: the model of round {before.number} stays"
    if done.kept:
        return f"round {done.number}: {figures}, {before.exact_match:.1%} and {before.cer:.2%} before: kept"
    return (
        f"round {done.number}: {figures}, worse than {before.exact_match:.1%} and {before.cer:.2%}: "
        f"not kept, the model of round {before.number} stays"
    )


@dataclass(slots=True)
class _Story:
    """What is on disk of the rounds."""

    config: TrainConfig
    _rounds: list[Round]

    @classmethod
    def begun(cls, config: TrainConfig) -> _Story:
        """Make the folder; rounds of an older story go away with `--overwrite`."""
        folder = config.output
        if folder.exists():
            if not folder.is_dir() or (any(folder.iterdir()) and not (folder / ROUNDS_FILE).is_file()):
                raise InputError(f"{folder} is there and holds no rounds; name another folder with -o")
            if (folder / ROUNDS_FILE).is_file() and not config.overwrite:
                raise InputError(f"{folder} holds rounds: add --resume to continue them, or --overwrite")
            shutil.rmtree(folder)
        story = cls(config.model_copy(update={"overwrite": False}), [])
        story.tell([])
        return story

    @classmethod
    def resumed(cls, config: TrainConfig) -> _Story:
        """Read what an earlier process left."""
        path = config.output / ROUNDS_FILE
        if others := config.model_fields_set - {"output"}:
            raise InputError(
                f"--{sorted(others)[0].replace('_', '-')}: rounds are resumed with their own options; "
                "leave it out"
            )
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            stored = TrainConfig.model_validate(content["config"] | {"output": config.output})
            rounds = [
                Round(**(row | {"trust": None if row["trust"] is None else Trust(**row["trust"])}))
                for row in content["rounds"]
            ]
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise InputError(f"{path} cannot be read ({error}); train again with --overwrite") from error
        return cls(stored, rounds)

    def told(self, number: int) -> Round | None:
        """The round, if it was finished before."""
        return self._rounds[number] if number < len(self._rounds) else None

    def tell(self, rounds: Sequence[Round]) -> None:
        """Write what has come of the rounds so far."""
        self.config.output.mkdir(parents=True, exist_ok=True)
        content = {
            "config": self.config.model_dump(mode="json"),
            "rounds": [done.to_json() for done in rounds],
        }
        write_json(self.config.output / ROUNDS_FILE, content, overwrite=True)
