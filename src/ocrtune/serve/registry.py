"""The models of a service: which there are, which are loaded, which one is active, and how that changes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ocrtune.bundle import MANIFEST_FILE, Manifest
from ocrtune.errors import InputError
from ocrtune.reading.models import BASE, find_model
from ocrtune.reading.recognizer import OnnxRecognizer
from ocrtune.serve.decoder_process import without_names
from ocrtune.serve.errors import ApiError
from ocrtune.serve.line_queue import LineQueue
from ocrtune.serve.self_test import check_recognizer, run_apart

LOADED_LIMIT = 3
"""Models in memory: the active one, the one before it, and one that is asked for by name."""

Stamp = tuple[int, int, int] | None

log = logging.getLogger("ocrtune.serve")


@dataclass(eq=False, slots=True)
class LoadedModel:
    """A model that answers. Who reads with it holds it (`Registry.hold`): so it outlives a switch."""

    name: str
    manifest: Manifest
    queue: LineQueue
    holders: int = field(default=0)
    last_held: int = field(default=0)


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model that may be asked for by its name."""

    name: str
    manifest: Manifest | None
    """None where it cannot be used."""
    error: str | None
    is_loaded: bool
    is_active: bool


@dataclass(frozen=True, slots=True)
class ModelStates:
    """All models of a service at one moment."""

    active: str
    previous: str | None
    entries: tuple[ModelEntry, ...]


class Registry:
    """Finds, loads, holds and switches models. Safe to use from any thread.

    Args:
        model: what is active first: a base's name, a run folder, a bundle or an ONNX file; None is the base.
        folder: whose entries may be asked for by their names.
        make_queue: starts the queue of a model.

    Raises:
        InputError: there is no such model or folder, or the model cannot be used.
    """

    def __init__(
        self, model: str | None, folder: Path | None, make_queue: Callable[[OnnxRecognizer], LineQueue]
    ) -> None:
        if folder is not None and not folder.is_dir():
            raise InputError(f"--models {folder} is no folder; give one that holds run folders or models")
        self._folder = folder
        self._make_queue = make_queue
        self._described: dict[str, tuple[Stamp, Manifest | str]] = {}
        self._failures: dict[str, tuple[Stamp, str]] = {}
        self._loaded: dict[str, LoadedModel] = {}
        self._lock = threading.RLock()  # for a moment each
        self._loading = threading.Lock()  # for seconds: one model at a time
        self._switching = threading.Lock()
        self._clock = 0
        self._previous: str | None = None
        if model is None or model == BASE:
            self._first: tuple[str, str | Path] = BASE, BASE
        else:
            path = Path(model)
            self._first = model_name(path), path.resolve()
        # The operator waits and sees what fails: no process of its own.
        self._active = self._load(self._first[0], self._first[1], apart=False)
        self._loaded[self._active.name] = self._active

    @property
    def active(self) -> LoadedModel:
        """The model that reads where none is named."""
        return self._active

    def hold(self, name: str | None = None) -> LoadedModel:
        """The active model or the one of this name, loaded for it; it answers until `release`.

        Raises:
            ApiError: unknown, or it fails its self-test.
        """
        if (model := self.hold_loaded(name)) is not None:
            return model
        assert name is not None
        place = self._place(name)
        with self._loading:
            if (model := self.hold_loaded(name)) is not None:  # another request was quicker
                return model
            stamp = _stamp(place)
            if (failure := self._failures.get(name)) is not None and failure[0] == stamp:
                # A test takes seconds, and anybody may ask.
                raise ApiError("model_failed", failure[1])
            try:
                model = self._load(name, place, apart=True)
            except ApiError as error:
                # Not the error itself: each time it is raised its traceback grows, and that holds the model.
                self._failures[name] = stamp, error.message
                raise
            with self._lock:
                self._loaded[name] = model
                return self._count(model)

    def hold_loaded(self, name: str | None = None) -> LoadedModel | None:
        """As `hold`, at once; None where the model would have to be loaded."""
        with self._lock:
            model = self._active if name is None else self._loaded.get(name)
            return None if model is None else self._count(model)

    def release(self, model: LoadedModel) -> None:
        """A holder is done."""
        with self._lock:
            model.holders -= 1
        self._drop_unused([model])

    def switch(self, name: str) -> None:
        """Test a model apart, load it, warm it and make it the active one, also where it was before.

        Raises:
            ApiError: unknown, it fails, or another switch is under way; the active model is then as before.
        """
        with self._one_switch():
            place = self._place(name)
            with self._loading:
                loaded = self._load(name, place, apart=True)
            self._activate(loaded)

    def roll_back(self) -> None:
        """Make the model active that was so before the last switch; it is loaded still.

        Raises:
            ApiError: there is none, or a switch is under way.
        """
        with self._one_switch():
            with self._lock:
                previous = None if self._previous is None else self._loaded.get(self._previous)
            if previous is None:
                raise ApiError("no_previous_model", "no model was active before this one")
            self._activate(previous)

    def states(self) -> ModelStates:
        """What there is; manifests are read anew where a file has changed."""
        with self._lock:
            loaded = dict(self._loaded)
            active, previous = self._active, self._previous
        entries = []
        for name, place in self._places().items():
            described = loaded[name].manifest if name in loaded else self._describe(name, place)
            manifest, error = (None, described) if isinstance(described, str) else (described, None)
            entries.append(ModelEntry(name, manifest, error, name in loaded, name == active.name))
        return ModelStates(active.name, previous, tuple(entries))

    def close(self) -> None:
        """Read what waits and end all queues."""
        with self._lock:
            models = list(self._loaded.values())
        for model in models:
            model.queue.close()

    def _count(self, model: LoadedModel) -> LoadedModel:
        self._clock += 1
        model.holders += 1
        model.last_held = self._clock
        return model

    def _activate(self, model: LoadedModel) -> None:
        with self._lock:
            replaced = self._loaded.get(model.name)
            self._loaded[model.name] = model
            if self._active.name != model.name:
                self._previous = self._active.name
            self._active = model
        self._drop_unused([] if replaced is None else [replaced])

    def _drop_unused(self, touched: Sequence[LoadedModel]) -> None:
        """Forget models beyond `LOADED_LIMIT` that nobody holds, the longest unused first.

        Of those touched, end what nobody holds and nobody can ask for any more.
        """
        with self._lock:
            kept = (self._active.name, self._previous)
            unused = [m for m in self._loaded.values() if m.name not in kept and not m.holders]
            excess = max(0, len(self._loaded) - LOADED_LIMIT)
            over = sorted(unused, key=lambda model: model.last_held)[:excess]
            for model in over:
                del self._loaded[model.name]
            over += [m for m in touched if not m.holders and m not in (*self._loaded.values(), *over)]
        for model in over:
            # It ends with the batch that it is reading, for which nobody here should wait.
            threading.Thread(target=model.queue.close, name=f"end-{model.name}", daemon=True).start()

    def _load(self, name: str, place: str | Path, *, apart: bool) -> LoadedModel:
        try:
            digest = run_apart(place) if apart else None
            found = find_model(place)
            if digest not in (None, found.manifest.digest):
                raise InputError("its files changed while it was loaded; try again")
            recognizer = OnnxRecognizer(found.manifest, found.onnx_path)
            check_recognizer(recognizer)
        except InputError as error:
            if not apart:
                raise
            log.warning("model %s: %s", name, error)
            message = f"model {name} cannot be used: {_without_place(str(error), name, place)}"
            raise ApiError("model_failed", message) from error
        return LoadedModel(name, found.manifest, self._make_queue(recognizer))

    def _place(self, name: str) -> str | Path:
        place = self._places().get(name)
        if place is None:
            raise ApiError(
                "unknown_model", "there is no model of this name; GET /api/models lists those there are"
            )
        return place

    def _places(self) -> dict[str, str | Path]:
        """All names, and where their models are. What a client sends is looked up here and never opened."""
        places: dict[str, str | Path] = {self._first[0]: self._first[1]}
        if self._folder is not None:
            for path in sorted(self._folder.iterdir()):
                if path.suffix == ".onnx" or (path.is_dir() and _holds_model(path)):
                    places.setdefault(model_name(path), path.resolve())
        places.setdefault(BASE, BASE)
        return places

    def _describe(self, name: str, place: str | Path) -> Manifest | str:
        """The manifest, or why there is none; from memory while the file is the same."""
        stamp = _stamp(place)
        if (known := self._described.get(name)) is not None and known[0] == stamp:
            return known[1]
        described: Manifest | str
        try:
            described = find_model(place).manifest
        except InputError as error:
            described = _without_place(str(error), name, place)
        self._described[name] = stamp, described
        return described

    @contextmanager
    def _one_switch(self) -> Iterator[None]:
        if not self._switching.acquire(blocking=False):
            raise ApiError("switch_in_progress", "another switch of the active model is under way")
        try:
            yield
        finally:
            self._switching.release()


def model_name(path: Path) -> str:
    """What a model at a path is called: its folder, that of its run, or its file without the ending."""
    path = path.resolve()
    if path.suffix == ".onnx" and path.is_file():
        return path.stem
    return path.parent.name if path.name in ("best", "last") else path.name


def _holds_model(folder: Path) -> bool:
    return _manifest_file(folder).is_file()


def _manifest_file(folder: Path) -> Path:
    own = folder / MANIFEST_FILE
    return own if own.is_file() else folder / "best" / MANIFEST_FILE


def _stamp(place: str | Path) -> Stamp:
    """What changes when the files of a model do."""
    if isinstance(place, str):
        return None
    file = _manifest_file(place) if place.is_dir() else place
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _without_place(message: str, name: str, place: str | Path) -> str:
    return without_names(message.replace(str(place), name) if isinstance(place, Path) else message)
