"""A real service with two models and a real browser on its page, each started once."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFont
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from ocrtune.bundle import ONNX_METADATA_KEY
from ocrtune.reading.models import find_model

PATIENCE = 60  # seconds for anything to appear
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def find_browser() -> tuple[str, str] | None:
    """Paths of a browser and its driver; None where one of them is missing."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    return None if browser is None or driver is None else (browser, driver)


class Browser:
    """One window of a browser that asks for `languages` and keeps what it downloads in `downloads`."""

    def __init__(self, found: tuple[str, str], downloads: Path, languages: str = "en") -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = found[0]
        for argument in (
            "headless=new",
            "no-sandbox",
            "disable-gpu",
            "disable-dev-shm-usage",
            "disable-extensions",
        ):
            options.add_argument(f"--{argument}")
        options.add_argument("--disable-background-networking")
        options.add_experimental_option("prefs", {"intl.accept_languages": languages})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(found[1]))
        self.downloads = downloads
        self.command(
            "Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads), eventsEnabled=False
        )
        self.address = ""

    def command(self, name: str, **parameters: Any) -> Any:
        """A command of the Chrome DevTools protocol."""
        return self.driver.execute_cdp_cmd(name, parameters)

    def open(self, address: str, width: int = 1280, height: int = 800, *, phone: bool = False) -> None:
        """Load the page anew, as on a first visit, in a window of this size."""
        self.address = address
        self.faults()  # those of a test that failed are not the next one's
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=phone,
        )  # fmt: skip
        self.command("Emulation.setTouchEmulationEnabled", enabled=phone)
        self.command("Storage.clearDataForOrigin", origin=address, storageTypes="all")
        self.driver.get(address)
        self.until(lambda: self.find("#model").get_attribute("value"))

    def find(self, selector: str) -> WebElement:
        """The first element of a CSS selector."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        """All elements of a CSS selector."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """Text of an element, hidden parts included."""
        return str(self.find(selector).get_property("textContent"))

    def texts(self, selector: str) -> list[str]:
        """Texts of all elements of a selector."""
        return [str(element.get_property("textContent")) for element in self.all(selector)]

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script in the page."""
        return self.driver.execute_script(script, *arguments)

    def until(self, condition: Callable[[], Any]) -> Any:
        """Wait for a condition; what it gave."""
        return WebDriverWait(self.driver, PATIENCE, poll_frequency=0.05).until(lambda _: condition())

    def press(self, *keys: str) -> None:
        """Keys, to whatever has the focus."""
        self.driver.switch_to.active_element.send_keys(*keys)

    def tab_to(self, selector: str) -> None:
        """Press Tab until the element has the focus."""
        for _ in range(60):
            if self.run("return document.activeElement.matches(arguments[0])", selector):
                return
            self.press(Keys.TAB)
        raise AssertionError(f"{selector} cannot be reached with Tab")

    def choose(self, select: str, value: str) -> None:
        """Choose an option of a select by its value."""
        self.find(f"{select} option[value='{value}']").click()

    def give(self, *files: Path) -> None:
        """Choose files."""
        self.find("#files").send_keys("\n".join(map(str, files)))
        self.until(lambda: self.text("#page-name"))

    def recognise(self) -> None:
        """Press Recognise and wait until all is read."""
        self.find("#recognise").click()
        self.until(lambda: self.find("#cancel").get_property("hidden"))

    def downloaded(self, name: str) -> bytes:
        """The bytes of a file that is being downloaded."""
        path = self.downloads / name
        self.until(path.exists)
        content = path.read_bytes()
        path.unlink()
        return content

    def faults(self) -> list[str]:
        """What must not happen, since it was last asked: refused by the policy, an error, another origin."""
        log = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
        requests = [
            message["params"]["request"]["url"]
            for entry in self.driver.get_log("performance")
            if (message := json.loads(entry["message"])["message"])["method"] == "Network.requestWillBeSent"
        ]
        here = urllib.parse.urlsplit(self.address).netloc
        elsewhere = [
            url
            for url in requests
            if (parts := urllib.parse.urlsplit(url)).scheme not in ("blob", "data") and parts.netloc != here
        ]
        # Statuses of the API are answers, and the page shows them.
        return [line for line in log if "/api/" not in line.split(" - ")[0]] + elsewhere


RECEIPT = (
    ("Corner Shop", 40, 20),
    ("No. 2041", 40, 70),
    ("MILK", 40, 120),
    ("10.50", 420, 120),
    ("TOTAL", 40, 170),
)
"""Texts of `receipt.png` and where they stand. The second model takes 0 for O."""


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """receipt.png, short.png, pages.tiff and pages.pdf of both, large.tiff, and no-image.txt."""
    folder = tmp_path_factory.mktemp("images")
    receipt = drawn(RECEIPT, (560, 220))
    receipt.save(folder / "receipt.png")
    short = drawn((("Thank you", 40, 20),), (300, 80))
    short.save(folder / "short.png")
    # Copies: an image saved as PNG keeps settings that Pillow's TIFF writer trips over.
    receipt.copy().save(folder / "pages.tiff", save_all=True, append_images=[short.copy()])
    # A palette: Pillow's PDFs have anything else as JPEG.
    plain = [image.convert("P") for image in (receipt, short)]
    plain[0].save(folder / "pages.pdf", save_all=True, append_images=plain[1:], resolution=100.0)
    receipt.resize((560 * 6, 220 * 6)).save(folder / "large.tiff")  # more px than are sent to be shown
    (folder / "no-image.txt").write_text("not an image")
    return folder


def drawn(texts: tuple[tuple[str, int, int], ...], size: tuple[int, int]) -> Image.Image:
    """A white page with texts at their places."""
    page = Image.new("RGB", size, "white")
    font = ImageFont.load_default(size=30)
    for text, x, y in texts:
        ImageDraw.Draw(page).text((x, y), text, fill="black", font=font)
    return page


@pytest.fixture(scope="session")
def models_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the model `swapped`: the base, its symbols 0 and O exchanged; and `broken`."""
    import onnx

    found = find_model()
    exchange = {"0": "O", "O": "0"}
    symbols = tuple(exchange.get(symbol, symbol) for symbol in found.manifest.symbols)
    manifest = found.manifest.model_copy(update={"name": "swapped", "symbols": symbols})
    model = onnx.load(found.onnx_path)
    onnx.helper.set_model_props(model, {ONNX_METADATA_KEY: manifest.model_dump_json()})
    folder = tmp_path_factory.mktemp("models")
    onnx.save(model, folder / "swapped.onnx")
    (folder / "broken.onnx").write_bytes(b"not a model")
    return folder


@pytest.fixture(scope="session")
def serving() -> Callable[..., contextlib.AbstractContextManager[str]]:
    """Starts a service: `with serving("--queue", "1") as address`."""
    return serve


@contextlib.contextmanager
def serve(*options: str) -> Iterator[str]:
    """The address of `ocrtune serve` with these options, stopped afterwards."""
    command = [sys.executable, "-m", "ocrtune", "serve", "--port", "0", *options]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        try:
            assert first.startswith("http://"), first + process.stdout.read()
            yield first.split()[0] + "/"
            if process.poll() is not None:
                raise AssertionError(f"the service ended with {process.returncode}: {process.stdout.read()}")
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def address(models_folder: Path) -> Iterator[str]:
    """Where the page is."""
    with serve("--models", str(models_folder)) as at:
        yield at


@pytest.fixture(scope="session")
def start_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Browser]]:
    """Starts a browser that asks for these languages."""
    found = find_browser()
    if found is None:
        pytest.skip(
            f"needs chromedriver and one of {', '.join(BROWSERS)}; in Debian: chromium and chromium-driver"
        )
    with contextlib.ExitStack() as stack:

        def start(languages: str) -> Browser:
            browser = Browser(found, tmp_path_factory.mktemp("downloads"), languages)
            stack.callback(browser.driver.quit)
            return browser

        yield start


@pytest.fixture(scope="session")
def english(start_browser: Callable[[str], Browser]) -> Browser:
    """The browser of most tests."""
    return start_browser("en")


@pytest.fixture
def browser(english: Browser, address: str) -> Iterator[Browser]:
    """The page, freshly loaded. Nothing may be refused by its policy, fail or come from elsewhere."""
    english.open(address)
    yield english
    assert english.faults() == []
