"""Corrections on the page: kept only where the service keeps any, and reviewed with the keyboard alone."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFont
from selenium.webdriver.common.keys import Keys

from ocrtune.data.corrections import CorrectionStore, NewCorrection, Order, State, read_corrections

pytestmark = pytest.mark.slow

REVIEWED = (("CORNER SH0P", 0.61), ("MlLK", 0.35), ("TOTAL 10.50", 0.93), ("N0. 2041", 0.72))
"""Texts and confidences of the corrections under review, in the order in which they came."""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("corrections") / "corrections.db"


@pytest.fixture(scope="module")
def collecting(
    serving: Callable[..., contextlib.AbstractContextManager[str]], database: Path
) -> Iterator[str]:
    """The address of a service that keeps corrections."""
    with serving("--collect", str(database)) as at:
        yield at


@pytest.fixture
def store(database: Path) -> Iterator[CorrectionStore]:
    """The file, with `REVIEWED` in it."""
    opened = CorrectionStore(database, 99, 10**7)
    for old, _ in read_corrections(database):
        opened.delete(old.id)
    for place, (text, confidence) in enumerate(REVIEWED):
        y = 50.0 * place
        box = ((0.0, y), (330.0, y), (330.0, y + 44), (0.0, y + 44))
        opened.add(
            [
                NewCorrection(
                    "a" * 64, 0, box, 330, 44, picture(text), text, confidence, "d" * 64,
                    text.replace("0P", "OP"), None,
                )
            ]
        )  # fmt: skip
    yield opened
    opened.close()


def texts_now(browser: Any, selector: str) -> list[str]:
    """Texts of elements, all at one moment: those that are drawn anew meanwhile are found again."""
    script = "return [...document.querySelectorAll(arguments[0])].map((each) => each.textContent)"
    texts: list[str] = browser.run(script, selector)
    return texts


def picture(text: str) -> bytes:
    """What a line looks like that was read as `text`."""
    page = Image.new("L", (330, 44), 255)
    printed = text.replace("0", "O").replace("l", "I")
    ImageDraw.Draw(page).text((8, 4), printed, fill=0, font=ImageFont.load_default(size=30))
    content = io.BytesIO()
    page.save(content, "PNG")
    return content.getvalue()


@pytest.fixture
def review(english: Any, collecting: str, store: CorrectionStore) -> Iterator[Any]:
    """The page of review."""
    english.open(collecting)
    english.driver.get(f"{collecting}review.html")
    english.until(lambda: len(english.all(".correction")) == len(REVIEWED))
    yield english
    assert english.faults() == []


def test_an_edited_line_is_kept_and_taken_back(
    english: Any, collecting: str, images: Path, database: Path
) -> None:
    english.open(collecting)
    assert "keeps the lines you edit" in english.find("#collecting").text
    english.give(images / "receipt.png")
    english.recognise()
    english.all(".reading")[2].click()
    english.press(Keys.ENTER)
    english.press("!", Keys.ENTER)
    english.press(Keys.ENTER)
    english.press("0", Keys.ENTER)
    english.until(lambda: texts_now(english, ".changed") == ["edited, kept", "edited, kept"])
    kept = read_corrections(database)
    assert [(each.reading, each.text, each.page) for each, _ in kept] == [
        ("MILK", "MILK!", 0), ("10.50", "10.500", 0),
    ]  # fmt: skip
    assert kept[0][0].source == kept[1][0].source
    with Image.open(io.BytesIO(kept[0][1])) as picture:
        assert picture.height < picture.width < 120
    english.all(".reading")[2].click()
    english.find(".original button").click()
    english.until(lambda: [each.text for each, _ in read_corrections(database)] == ["10.500"])
    assert english.text("#status") == "The line is no longer kept."
    assert english.faults() == []


def test_nothing_is_sent_to_a_service_that_keeps_nothing(browser: Any, images: Path) -> None:
    assert not browser.find("#collecting").is_displayed()
    browser.give(images / "receipt.png")
    browser.recognise()
    browser.all(".reading")[2].click()
    browser.press(Keys.ENTER)
    browser.press("!", Keys.ENTER)
    browser.run("return new Promise((done) => setTimeout(done, 1500))")  # longer than the page waits itself
    asked = browser.run("return performance.getEntriesByType('resource').map((each) => each.name)")
    assert [url for url in asked if "corrections" in url] == []
    assert texts_now(browser, ".changed") == ["edited"]
    browser.driver.get(f"{browser.address}review.html")
    browser.until(lambda: "keeps no corrections" in browser.text("#alert"))


def test_the_keyboard_alone_reviews(review: Any, store: CorrectionStore) -> None:
    shown = [REVIEWED[i][0].replace("0P", "OP") for i in (1, 0, 3, 2)]  # the least certain first
    fields = [field.get_property("value") for field in review.all(".correction input")]
    assert fields == shown
    assert review.text("#counts") == "4 waiting, 0 accepted, 0 rejected"
    assert review.run("return document.activeElement.value") == "MlLK"
    label = review.run("return document.activeElement.getAttribute('aria-label')")
    assert label == "Correction 1, read as MlLK, confidence 35%."
    review.until(lambda: review.run("return document.querySelector('.crop').naturalWidth") == 330)

    review.press(Keys.HOME, Keys.DELETE, Keys.DELETE, "MI", Keys.ENTER)  # mended and accepted
    review.until(lambda: review.text("#status") == "Accepted: MILK")
    review.press(Keys.ALT, "r")
    review.until(lambda: review.text("#status") == "Rejected: CORNER SHOP")
    review.press(Keys.ESCAPE)
    assert review.run("return document.activeElement.value") == "TOTAL 10.50"
    review.press(Keys.ENTER)
    review.until(lambda: review.text("#counts") == "1 waiting, 2 accepted, 1 rejected")
    assert review.texts(".verdict") == ["accepted", "rejected", "skipped", "accepted"]

    review.press(Keys.ALT, "u")
    review.until(lambda: review.text("#status") == "Undone: TOTAL 10.50")
    review.press(Keys.ALT, "u")
    review.until(lambda: review.text("#status") == "Undone: CORNER SHOP")
    assert review.run("return document.activeElement.value") == "CORNER SHOP"
    states = {each.text: each.state for each in store.listed(Order.NEWEST, None, 9)}
    assert states == {
        "CORNER SHOP": State.WAITING, "MILK": State.ACCEPTED, "TOTAL 10.50": State.WAITING,
        "N0. 2041": State.WAITING,
    }  # fmt: skip


def test_a_deleted_correction_is_gone(review: Any, store: CorrectionStore) -> None:
    review.all(".correction")[0].find_elements("css selector", ".about button")[2].click()
    review.find("#deletion button[value=cancel]").click()
    assert len(store.listed(Order.NEWEST, None, 9)) == 4
    review.all(".correction")[0].find_elements("css selector", ".about button")[2].click()
    review.find("#deletion button[value=delete]").click()
    review.until(lambda: len(review.all(".correction")) == 3)
    left = [each.text for each in store.listed(Order.NEWEST, None, 9)]
    assert left == ["N0. 2041", "TOTAL 10.50", "CORNER SHOP"]


def test_the_others_are_shown_too_and_in_every_language(review: Any, store: CorrectionStore) -> None:
    review.press(Keys.ENTER)
    review.until(lambda: review.text("#status") == "Accepted: MlLK")
    review.choose("#state", "accepted")
    review.until(lambda: len(review.all(".correction")) == 1)
    for language, counts in {
        "nb": "3 venter, 1 godtatt, 0 avvist",
        "fr": "3 en attente, 1 acceptées, 0 rejetées",
        "zh": "3 条待审阅，1 条已接受，0 条已拒绝",
    }.items():
        review.choose("#language", language)
        review.until(lambda counts=counts: review.text("#counts") == counts)
