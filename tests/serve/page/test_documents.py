"""PDF and TIFF, which the browser does not draw: page by page, image and lines side by side."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

pytestmark = pytest.mark.slow

PAGES = (["Corner Shop", "No. 2041", "MILK", "10.50", "TOTAL"], ["Thank you"])

DARKNESS = """
  const [done] = arguments;
  const shown = document.querySelector("#sheet image");
  const [width, height] = [shown.width.baseVal.value, shown.height.baseVal.value];
  const image = new Image();
  image.src = shown.href.baseVal;
  image.decode().then(() => {
    const canvas = new OffscreenCanvas(width, height).getContext("2d");
    canvas.drawImage(image, 0, 0, width, height);
    const dark = ([left, top, right, bottom]) => {
      const { data } = canvas.getImageData(left, top, right - left, bottom - top);
      return data.filter((value, index) => index % 4 === 0 && value < 128).length;
    };
    const boxes = [...document.querySelectorAll(".box")].map((box) => {
      const { x, y, width, height } = box.getBBox();
      return dark([x, y, x + width, y + height]);
    });
    done({ all: dark([0, 0, width, height]), boxes, px: image.naturalWidth * image.naturalHeight });
  });
"""
"""Dark px of the image that is shown, stretched to the size of the page: of all and in each box."""


def darkness(browser: Any) -> dict[str, Any]:
    browser.until(lambda: browser.all("#sheet image"))
    found: dict[str, Any] = browser.driver.execute_async_script(DARKNESS)
    return found


def has_its_boxes(browser: Any, count: int) -> bool:
    """Whether the image shown has all of its print in the boxes, and some in each."""
    found = darkness(browser)
    return (
        len(found["boxes"]) == count
        and min(found["boxes"]) > 50
        and sum(found["boxes"]) > 0.97 * found["all"]
    )


@pytest.mark.parametrize("name", ["pages.pdf", "pages.tiff"])
def test_a_document_is_gone_through_with_the_keyboard(browser: Any, images: Path, name: str) -> None:
    browser.give(images / name)
    assert browser.text("#sheet") == "The browser cannot show this kind of image before it is read."
    browser.tab_to("#recognise")
    browser.press(Keys.ENTER)
    browser.until(lambda: browser.all(".reading"))
    assert browser.text("#page-number") == "Page 1 of 2"
    assert browser.texts(".reading") == PAGES[0]
    assert has_its_boxes(browser, 5)
    assert browser.find("#sheet-note").get_property("hidden")

    browser.run("document.querySelector('#page-name').focus()")
    browser.tab_to("#page-after")
    browser.press(Keys.ENTER)
    assert browser.text("#status") == "Page 2 of 2"
    assert browser.texts(".reading") == PAGES[1]
    assert has_its_boxes(browser, 1)
    # The button that leads no further has handed the focus on.
    assert browser.run("return document.activeElement.id") == "page-before"
    browser.tab_to(".reading")
    browser.press(Keys.ARROW_DOWN)
    browser.until(lambda: browser.all(".crop image"))
    assert [box.get_attribute("id") for box in browser.all(".box.selected")] == ["box-0"]

    browser.run("document.querySelector('#page-name').focus()")
    browser.tab_to("#page-before")
    browser.press(Keys.ENTER)
    assert browser.text("#status") == "Page 1 of 2"
    assert browser.run("return document.activeElement.id") == "page-after"
    assert has_its_boxes(browser, 5)
    assert drawn_pages(browser) == ["0", "1"]  # going back fetches nothing


def drawn_pages(browser: Any) -> list[str]:
    """The pages that the service was asked to draw."""
    entries = browser.run("return performance.getEntriesByType('resource').map((each) => each.name)")
    return [found[1] for entry in entries if (found := re.search(r"/api/page-image\?page=(\d+)$", entry))]


def test_boxes_and_lines_of_a_document_point_at_each_other(browser: Any, images: Path) -> None:
    browser.give(images / "pages.pdf")
    browser.recognise()
    browser.until(lambda: browser.all("#sheet image"))
    pointer = ActionChains(browser.driver, duration=0)
    pointer.move_to_element(browser.all(".reading")[3]).perform()
    assert [box.get_attribute("id") for box in browser.all(".box.pointed")] == ["box-3"]
    pointer.move_to_element(browser.all(".box")[0]).perform()
    assert browser.texts(".line.pointed .reading") == ["Corner Shop"]


def test_a_large_page_is_shown_smaller_and_its_boxes_fit(browser: Any, images: Path) -> None:
    browser.give(images / "large.tiff")
    browser.recognise()
    assert browser.find("#pager").get_property("hidden")
    assert browser.texts(".reading") == PAGES[0]
    assert has_its_boxes(browser, 5)
    assert 3.9e6 < darkness(browser)["px"] <= 4e6 < 560 * 220 * 36
    assert browser.find("#sheet image").get_attribute("width") == str(560 * 6)


def test_what_was_read_stands_in_for_an_image_that_does_not_come(browser: Any, images: Path) -> None:
    browser.run("""
      const ask = fetch;
      window.fetch = (path, options) => path.startsWith("api/page-image")
        ? new Promise((answer) => { window.refuse = () =>
            answer(new Response('{"error": "deadline_exceeded", "message": "late"}', { status: 504 })); })
        : ask(path, options);
    """)
    browser.give(images / "pages.tiff")
    browser.recognise()
    assert browser.text("#sheet-note") == "The image of this page is on its way."
    assert len(browser.all(".box")) == 5
    assert browser.texts("#sheet .facsimile") == []
    browser.run("refuse()")
    browser.until(lambda: browser.all("#sheet .facsimile"))
    assert browser.texts("#sheet .facsimile") == PAGES[0]
    assert browser.text("#sheet-note") == (
        "The image of this page could not be fetched. Reading took longer than the service allows. "
        "Instead of the image, this is what was read, in its place."
    )
    assert len(browser.all(".box")) == 5


def test_a_page_that_was_left_is_not_shown_when_it_comes(browser: Any, images: Path) -> None:
    browser.run("""
      const ask = fetch;
      window.held = [];
      window.fetch = async (path, options) => {
        if (path.endsWith("page-image?page=0")) await new Promise((go) => held.push({ go, options }));
        return ask(path, options);
      };
    """)
    browser.give(images / "pages.tiff")
    browser.recognise()
    browser.until(lambda: browser.run("return held.length") == 1)
    browser.find("#page-after").click()
    assert has_its_boxes(browser, 1)
    assert browser.run("return held[0].options.signal.aborted")
    browser.find("#remove").click()
    assert browser.find("#sheet-note").get_property("hidden")


def test_a_saved_document_tells_its_pages_apart(browser: Any, images: Path) -> None:
    browser.give(images / "pages.pdf")
    browser.recognise()
    browser.find("#save-text").click()
    assert browser.downloaded("pages.txt").decode() == (
        "==> pages.pdf <==\nCorner Shop\nNo. 2041\nMILK\t10.50\nTOTAL\n\n"
        "==> pages.pdf page 2 <==\nThank you\n"
    )
    browser.find("#save-json").click()
    answer = json.loads(browser.downloaded("pages.json"))
    assert [(line["page"], line["text"]) for line in answer["text"]] == [
        (number, text) for number, texts in enumerate(PAGES) for text in texts
    ]
    assert [page["text"] for page in answer["pages"]] == [
        "Corner Shop\nNo. 2041\nMILK\t10.50\nTOTAL",
        "Thank you",
    ]
    browser.find("#save-csv").click()
    rows = csv.DictReader(io.StringIO(browser.downloaded("pages.csv").decode("utf-8-sig"), newline=""))
    assert [(row["page"], row["text"]) for row in rows] == [
        (str(number), text) for number, texts in enumerate(PAGES, 1) for text in texts
    ]


def test_several_files_are_saved_under_their_names(browser: Any, images: Path) -> None:
    browser.give(images / "short.png", images / "pages.tiff")
    browser.recognise()
    browser.choose("#scope", "all")
    browser.find("#save-text").click()
    assert re.findall("==> (.*) <==", browser.downloaded("ocrtune.txt").decode()) == [
        "short.png", "pages.tiff", "pages.tiff page 2",
    ]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "nb", "fr", "zh"])
def test_the_way_through_a_document_has_a_name(browser: Any, images: Path, language: str) -> None:
    browser.give(images / "pages.tiff")
    browser.recognise()
    browser.choose("#language", language)
    names = {
        "en": ["Page before", "Page after", "Page 1 of 2"],
        "nb": ["Forrige side", "Neste side", "Side 1 av 2"],
        "fr": ["Page précédente", "Page suivante", "Page 1 sur 2"],
        "zh": ["上一页", "下一页", "第 1 页，共 2 页"],
    }[language]
    browser.until(lambda: browser.find("#page-before").get_attribute("aria-label") == names[0])
    assert browser.find("#page-after").get_attribute("aria-label") == names[1]
    assert browser.text("#page-number") == names[2]
    assert has_its_boxes(browser, 5)  # drawn anew with the language


def test_a_phone_shows_a_document(english: Any, address: str, images: Path) -> None:
    english.open(address, 320, 720, phone=True)
    english.give(images / "pages.pdf")
    english.recognise()
    assert has_its_boxes(english, 5)
    assert english.run("return document.documentElement.scrollWidth <= innerWidth")
    after = english.find("#page-after")
    assert after.rect["height"] >= 40
    after.click()
    assert has_its_boxes(english, 1)
    assert english.faults() == []
