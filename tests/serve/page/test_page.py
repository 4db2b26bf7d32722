"""The page as it is used: an image in, its lines read, edited, compared and taken away."""

from __future__ import annotations

import csv
import io
import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

pytestmark = pytest.mark.slow

TEXTS = ["Corner Shop", "No. 2041", "MILK", "10.50", "TOTAL"]


@pytest.fixture
def read_page(browser: Any, images: Path) -> Any:
    """The page, with the receipt read."""
    browser.give(images / "receipt.png")
    browser.recognise()
    return browser


def api(address: str, image: Path, **query: str) -> dict[str, Any]:
    """What the API answers on an image."""
    asked = "&".join(f"{key}={value}" for key, value in query.items())
    boundary = "boundary"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="x"\r\n\r\n'
    body = head.encode() + image.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    request = urllib.request.Request(
        f"{address}api/ocr?{asked}", body, {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    )
    with urllib.request.urlopen(request) as response:
        answer: dict[str, Any] = json.load(response)
    return answer


def test_an_image_is_read(read_page, address, images):
    answer = api(address, images / "receipt.png")
    assert [line["text"] for line in answer["text"]] == TEXTS
    assert read_page.texts(".reading") == TEXTS
    assert len(read_page.all(".box")) == len(TEXTS)
    assert read_page.texts(".certainty") == [f"{int(line['confidence'] * 100)}%" for line in answer["text"]]
    assert read_page.text("#summary").startswith("5 lines, ")
    assert read_page.text("#summary").endswith(" s, ppocrv6-small")
    assert read_page.text("#status").startswith("receipt.png: 5 lines read in ")


def test_every_symbol_of_an_open_line_has_its_confidence(read_page, address, images):
    line = api(address, images / "receipt.png")["text"][1]
    read_page.all(".reading")[1].click()
    assert read_page.texts(".symbols .glyph") == ["N", "o", ".", "␣", "2", "0", "4", "1"]
    percents = [str(int(symbol["confidence"] * 100)) for symbol in line["characters"]]
    assert read_page.texts(".symbols .percent") == percents
    left, top, width, height = map(float, read_page.find(".crop").get_dom_attribute("viewBox").split())
    corners = line["box"]
    assert width + 2 * left == pytest.approx(corners[1][0] - corners[0][0], abs=1)
    assert height + 2 * top == pytest.approx(corners[3][1] - corners[0][1], abs=1)


def test_boxes_and_lines_point_at_each_other(read_page):
    pointer = ActionChains(read_page.driver, duration=0)
    pointer.move_to_element(read_page.all(".reading")[3]).perform()
    assert [box.get_attribute("id") for box in read_page.all(".box.pointed")] == ["box-3"]
    pointer.move_to_element(read_page.all(".box")[0]).perform()
    assert read_page.texts(".line.pointed .reading") == ["Corner Shop"]
    pointer.move_to_element(read_page.all(".box")[4]).click().perform()
    assert read_page.run("return document.activeElement.textContent") == "TOTAL"
    assert [box.get_attribute("id") for box in read_page.all(".box.selected")] == ["box-4"]


def test_a_symbol_is_shown_on_the_image(read_page, address, images):
    line = api(address, images / "receipt.png")["text"][2]
    read_page.all(".reading")[2].click()
    ActionChains(read_page.driver, duration=0).move_to_element(read_page.all(".symbols li")[1]).perform()
    points = read_page.find(".symbol-box").get_attribute("points").split()
    assert [[float(x) for x in point.split(",")] for point in points] == line["characters"][1]["box"]


def test_an_edit_is_copied_and_saved_and_can_be_taken_back(read_page, address):
    read_page.all(".pencil")[2].click()
    read_page.press(Keys.CONTROL + "a")
    read_page.press('OAT "MILK", 1')
    read_page.press(Keys.ENTER)
    assert read_page.texts(".reading") == ["Corner Shop", "No. 2041", 'OAT "MILK", 1', "10.50", "TOTAL"]
    assert read_page.run("return document.activeElement.textContent") == "10.50"  # goes on to the next line

    text = 'Corner Shop\nNo. 2041\nOAT "MILK", 1\t10.50\nTOTAL'
    read_page.command(
        "Browser.grantPermissions",
        origin=address,
        permissions=["clipboardReadWrite", "clipboardSanitizedWrite"],
    )
    read_page.find("#copy").click()
    read_page.until(lambda: read_page.text("#status") == "Copied")
    assert read_page.run("return navigator.clipboard.readText()") == text
    read_page.find("#save-text").click()
    assert read_page.downloaded("receipt.txt").decode() == text

    read_page.find("#save-json").click()
    answer = json.loads(read_page.downloaded("receipt.json"))
    assert (answer["file"], answer["model"]) == ("receipt.png", "ppocrv6-small")
    assert [(line["text"], line.get("read_as")) for line in answer["text"]][1:3] == [
        ("No. 2041", None),
        ('OAT "MILK", 1', "MILK"),
    ]

    read_page.find("#save-csv").click()
    rows = list(
        csv.DictReader(io.StringIO(read_page.downloaded("receipt.csv").decode("utf-8-sig"), newline=""))
    )
    assert [(row["line"], row["row"], row["text"], row["read_as"]) for row in rows][2:4] == [
        ("3", "3", 'OAT "MILK", 1', "MILK"),
        ("4", "3", "10.50", ""),
    ]

    read_page.all(".reading")[2].click()
    read_page.find(".original button").click()
    assert read_page.texts(".reading") == TEXTS


def test_saved_text_is_that_of_the_api(read_page, address, images):
    read_page.find("#save-text").click()
    assert (
        read_page.downloaded("receipt.txt").decode()
        == api(address, images / "receipt.png")["pages"][0]["text"]
    )


def test_an_edit_survives_reading_again(read_page):
    read_page.all(".pencil")[4].click()
    read_page.press("S", Keys.ENTER)
    read_page.recognise()
    assert read_page.texts(".reading") == [*TEXTS[:4], "TOTALS"]


def test_two_models_are_compared(browser, images):
    browser.choose("#other-model", "swapped")
    browser.give(images / "receipt.png")
    browser.recognise()
    assert browser.text("#difference") == "3 lines differ between A ppocrv6-small and B swapped"
    browser.find("#differing").click()
    assert browser.texts(".reading") == ["ANo. 2041", "A10.50", "ATOTAL"]
    assert browser.texts(".rival > :first-child") == ["BNo. 2O41", "B1O.5O", "BT0TAL"]
    assert browser.texts(".reading mark") == ["0", "0", "0", "O"]
    assert browser.texts(".rival mark") == ["O", "O", "O", "0"]
    browser.all(".reading")[1].click()
    browser.find(".original button").click()  # use this reading
    browser.find("#differing").click()
    assert browser.texts(".reading")[3] == "1O.5O"


def test_the_model_is_chosen(browser, images):
    browser.choose("#model", "swapped")
    browser.give(images / "receipt.png")
    browser.recognise()
    assert browser.texts(".reading") == ["Corner Shop", "No. 2O41", "MILK", "1O.5O", "T0TAL"]
    broken = browser.find("#model option[value='broken']")
    assert (broken.text, broken.is_enabled()) == ("broken (cannot be used)", False)


def test_a_model_is_put_into_service(browser, address):
    def in_service() -> str:
        with urllib.request.urlopen(f"{address}healthz") as response:
            return str(json.load(response)["model"])

    for name in ("swapped", "ppocrv6-small"):  # and back, for the other tests
        browser.choose("#model", name)
        browser.find("#activate").click()
        browser.find("#activation button[value='activate']").click()
        browser.until(lambda name=name: browser.text("#status") == f"{name} is in service.")
        assert in_service() == name
        assert browser.find("#model option:checked").text == f"{name} (in service)"


def test_many_files_are_read_and_saved_together(browser, images):
    browser.give(images / "receipt.png", images / "no-image.txt", images / "short.png")
    browser.recognise()
    assert browser.texts("#rail .name") == ["receipt.png", "no-image.txt", "short.png"]
    assert browser.texts("#rail .state") == ["✓ 5 lines", "! failed", "✓ 1 line"]
    browser.all("#rail button")[1].click()
    assert browser.text("#alert") == (
        "no-image.txt could not be read. "
        "This kind of file is not read. Use JPEG, PNG, WebP, BMP, TIFF or PDF."
    )
    browser.all("#rail button")[2].click()
    assert browser.text("#alert") == ""
    browser.choose("#scope", "all")
    browser.find("#save-csv").click()
    rows = csv.DictReader(io.StringIO(browser.downloaded("ocrtune.csv").decode("utf-8-sig"), newline=""))
    assert [(row["file"], row["text"]) for row in rows] == [
        *(("receipt.png", text) for text in TEXTS),
        ("short.png", "Thank you"),
    ]


def test_reading_is_cancelled_and_taken_up_again(browser, images):
    browser.give(*[images / "short.png"] * 5)
    # In one go: five short lines are read before a driver has pressed the second button.
    browser.run('for (const button of ["#recognise", "#cancel"]) document.querySelector(button).click();')
    browser.until(lambda: browser.find("#cancel").get_property("hidden"))
    states = [state.get_attribute("data-state") for state in browser.all("#rail .state")]
    assert set(states) <= {"read", "cancelled"}
    left = states.count("cancelled")
    assert left >= 3  # no more than two are in work at once
    assert browser.text("#recognise") == f"Recognise {left} images"
    browser.recognise()
    assert browser.texts("#rail .state") == ["✓ 1 line"] * 5
    assert browser.text("#status") == "All images are read."


def test_images_are_dropped_and_pasted(browser):
    script = """
      const [kind, name] = arguments;
      const carried = new DataTransfer();
      if (name) carried.items.add(new File(["x"], name, { type: "image/png" }));
      const Kind = kind === "paste" ? ClipboardEvent : DragEvent;
      const key = kind === "paste" ? "clipboardData" : "dataTransfer";
      document.body.dispatchEvent(new Kind(kind, { [key]: carried, bubbles: true, cancelable: true }));
    """
    browser.run(script, "drop", "dropped.png")
    browser.run(script, "paste", "pasted.png")
    assert browser.texts("#rail .name") == ["dropped.png", "pasted.png"]
    browser.run(script, "paste", None)
    assert browser.text("#alert") == "There was no image in what you dropped or pasted."


def test_single_lines_are_read_as_such(browser, images):
    browser.find("#options summary").click()
    browser.find("#single-lines").click()
    browser.press(Keys.ESCAPE)
    browser.give(images / "short.png")
    browser.recognise()
    line = api(browser.address, images / "short.png", mode="line")["text"][0]["text"]
    assert line.replace(" ", "") == "Thankyou"
    assert browser.texts(".reading") == [line]
    assert browser.find(".box").get_attribute("points") == "0,0 300,0 300,80 0,80"
