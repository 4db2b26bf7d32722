"""That everybody can use the page: by keyboard, by ear, on a phone, in four languages, offline."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

import ocrtune

PAGE = Path(ocrtune.__file__).parent / "serve" / "page"
LANGUAGES = ("en", "nb", "fr", "zh")


def texts_of(language: str) -> dict[str, str]:
    texts: dict[str, str] = json.loads((PAGE / "languages" / f"{language}.json").read_text(encoding="utf-8"))
    return texts


def test_languages_say_the_same_things():
    english = texts_of("en")
    for language in LANGUAGES[1:]:
        texts = texts_of(language)
        assert texts.keys() == english.keys()
        for key, text in texts.items():
            assert sorted(re.findall(r"{\w+}", text)) == sorted(re.findall(r"{\w+}", english[key])), (
                language,
                key,
            )


def test_every_text_is_used_and_every_used_text_is_there():
    sources = "".join(
        path.read_text(encoding="utf-8") for path in [*PAGE.glob("*.html"), *PAGE.glob("script/*.js")]
    )
    quoted = set(re.findall(r'["\'](\w+)["\']', sources))
    counted = set(re.findall(r'sayCount\(\s*"(\w+)"', sources))
    begun = tuple(re.findall(r"`(\w+_)\${", sources))
    for key in texts_of("en"):
        assert key in quoted or key.rpartition("_")[0] in counted or key.startswith(begun), (
            f"nobody says {key}"
        )
    said = set(re.findall(r'(?:\bsay\(|data-text=|data-label=)"(\w+)"', sources))
    said |= {f"{key}_{form}" for key in counted for form in ("one", "other")}
    assert said <= texts_of("en").keys()


def test_nothing_comes_from_elsewhere():
    for path in PAGE.rglob("*.*"):
        addresses = re.findall(r"https?://[^\s\"'<>`]+", path.read_text(encoding="utf-8"))
        assert set(addresses) <= {"http://www.w3.org/2000/svg"}, path  # a name, which nothing fetches
    for page in PAGE.glob("*.html"):
        markup = page.read_text(encoding="utf-8")
        assert not re.search(r"\sstyle=|\son\w+=|<style|<script(?![^>]*\ssrc=)", markup)


@pytest.mark.slow
def test_the_keyboard_alone_is_enough(browser, images):
    browser.tab_to("#choose")
    browser.run("document.querySelector('#files').addEventListener('click', () => { window.asked = true; })")
    browser.run("document.querySelector('#files').showPicker = () => {}")
    browser.command("Page.setInterceptFileChooserDialog", enabled=True)
    browser.press(Keys.ENTER)
    assert browser.run("return window.asked")
    browser.command("Page.setInterceptFileChooserDialog", enabled=False)
    browser.give(images / "receipt.png")

    browser.tab_to("#recognise")
    browser.press(Keys.ENTER)
    browser.until(lambda: browser.all(".reading"))
    browser.tab_to(".reading")
    browser.press(Keys.ARROW_DOWN)
    browser.press(Keys.ARROW_DOWN)
    assert browser.run("return document.activeElement.textContent") == "MILK"
    browser.press(Keys.ARROW_RIGHT)
    assert browser.text("#status").startswith("M ")
    browser.press(Keys.ENTER)
    browser.press("!", Keys.ENTER)
    assert browser.texts(".reading")[2] == "MILK!"
    browser.press(Keys.ENTER)
    browser.press("9", Keys.ESCAPE)
    assert browser.texts(".reading")[3] == "10.50"
    assert browser.run("return document.activeElement.textContent") == "10.50"

    browser.driver.switch_to.active_element.send_keys(Keys.HOME)
    assert browser.run("return document.activeElement.textContent") == "Corner Shop"
    browser.run("document.querySelector('#page-name').focus()")
    browser.tab_to(".boxes")
    browser.press(Keys.ARROW_DOWN)
    browser.press(Keys.ARROW_DOWN)
    browser.press(Keys.ARROW_DOWN)
    assert browser.find(".boxes").get_attribute("aria-activedescendant") == "box-3"
    browser.press(Keys.ENTER)
    assert browser.run("return document.activeElement.textContent") == "10.50"

    browser.run("document.querySelector('#summary').focus()")
    browser.tab_to("#save-text")
    browser.press(Keys.ENTER)
    assert browser.downloaded("receipt.txt").decode().splitlines()[2] == "MILK!\t10.50"


@pytest.mark.slow
def test_focus_is_seen(browser, images):
    browser.give(images / "receipt.png")
    browser.recognise()
    browser.run("document.activeElement.blur()")
    for _ in range(25):
        browser.press(Keys.TAB)
        place = browser.run("return document.activeElement.outerHTML")
        if place.startswith("<body"):  # from the last to the first element it passes the page itself
            continue
        style, width = browser.run("""
          const shown = getComputedStyle(document.activeElement);
          return [shown.outlineStyle, parseFloat(shown.outlineWidth)];
        """)
        assert (style != "none", width >= 2) == (True, True), place


@pytest.mark.slow
def test_everything_to_operate_has_a_name(browser, images):
    browser.give(images / "receipt.png", images / "short.png")
    browser.recognise()
    browser.all(".reading")[0].click()
    browser.find("#options summary").click()
    nodes = browser.command("Accessibility.getFullAXTree")["nodes"]
    roles = {
        "button",
        "combobox",
        "checkbox",
        "textbox",
        "option",
        "listbox",
        "link",
        "image",
        "DisclosureTriangle",
    }
    operated = [node for node in nodes if not node["ignored"] and node["role"]["value"] in roles]
    assert len(operated) > 40
    assert [node for node in operated if not node.get("name", {}).get("value")] == []
    labels = [node["name"]["value"] for node in operated if node["role"]["value"] == "button"]
    assert any(re.fullmatch(r"Line 1: Corner Shop\. Confidence \d+%\..*", label) for label in labels)
    live = [node for node in nodes if node.get("role", {}).get("value") in ("status", "alert")]
    assert len(live) == 2


CONTRAST = """
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const plain = (colour) => {  // whatever its notation, as it is painted
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((c) => {
      const part = c / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = plain(getComputedStyle(each).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255];
  };
  const weak = [];
  let checked = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility({ visibilityProperty: true })) continue;
    if (element.closest(":disabled, svg, option, noscript, .skip")) continue;
    const [a, b] = [luminance(plain(getComputedStyle(element).color)), luminance(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    checked += 1;
    if (ratio < 4.5) weak.push([walker.currentNode.data, ratio]);
  }
  return [checked, weak];
"""


@pytest.mark.slow
@pytest.mark.parametrize("appearance", ["light", "dark"])
def test_text_stands_out(browser, images, appearance):
    browser.choose("#appearance", appearance)
    browser.choose("#other-model", "swapped")
    browser.give(images / "receipt.png", images / "no-image.txt")
    browser.recognise()
    browser.all(".reading")[1].click()
    browser.find("#options summary").click()
    for entry in (0, 1):
        browser.all("#rail button")[entry].click()
        browser.run("document.getAnimations().forEach((each) => each.finish())")
        checked, weak = browser.run(CONTRAST)
        assert checked > 20
        assert weak == []


@pytest.mark.slow
@pytest.mark.parametrize("width", [320, 390])
def test_a_phone_shows_it_without_scrolling_sideways(english, address, images, width):
    english.open(address, width, 720, phone=True)

    def fits() -> bool:
        return bool(english.run("return document.documentElement.scrollWidth <= innerWidth"))

    assert fits()
    assert english.find("#photograph").is_displayed()
    assert english.find("#camera").get_attribute("capture") == "environment"
    english.choose("#other-model", "swapped")
    english.give(images / "receipt.png", images / "no-image.txt")
    english.recognise()
    assert fits()
    english.all(".reading")[1].click()
    assert fits()
    english.all(".pencil")[1].click()
    assert fits()
    english.press(Keys.ESCAPE)
    english.find("#options summary").click()
    assert fits()
    low = """
      return [...document.querySelectorAll("button, select, summary")]
        .filter((each) => each.checkVisibility() && !each.closest(".line"))
        .filter((each) => each.getBoundingClientRect().height < 40)
        .map((each) => each.outerHTML);
    """
    assert english.run(low) == []
    assert english.faults() == []


@pytest.mark.slow
def test_the_browser_chooses_the_language(start_browser, address):
    norwegian = start_browser("nb-NO,en")
    norwegian.open(address)
    assert norwegian.text("#choose") == "Velg bilder"
    assert norwegian.find("html").get_attribute("lang") == "nb"
    assert norwegian.faults() == []


@pytest.mark.slow
def test_languages_are_switched_without_loss(browser, images):
    browser.give(images / "receipt.png")
    browser.recognise()
    for language in (*LANGUAGES[1:], "en"):
        browser.choose("#language", language)
        texts = texts_of(language)
        browser.until(lambda texts=texts: browser.text("#choose") == texts["choose_images"])
        assert len(browser.all(".reading")) == 5
        shown = str(browser.find("body").get_property("innerText"))
        assert not re.search(r"[{}]|undefined|null|NaN", shown)
        summary = texts["summary_other"].replace("{count}", "5")
        assert browser.text("#summary").startswith(summary)
    browser.choose("#language", "fr")
    browser.until(lambda: browser.text("#choose") == "Choisir des images")
    browser.driver.refresh()
    browser.until(lambda: browser.text("#choose") == "Choisir des images")  # it is remembered


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, serving: Any) -> Any:
    """A service that wants a token, takes one request at a time and small files only."""
    tokens = tmp_path_factory.mktemp("tokens") / "tokens.txt"
    tokens.write_text("reader secret-of-the-reader-0123456789\n")
    tokens.chmod(0o600)
    with serving("--tokens", str(tokens), "--queue", "1", "--max-mib", "1") as address:
        yield address


@pytest.mark.slow
def test_tokens_limits_and_a_full_queue_are_told(english, guarded, images, tmp_path):
    # What the page of the other service still asks that one for is none of this test's.
    english.until(lambda: english.find("#model").get_attribute("value"))
    assert english.faults() == []
    english.driver.get(guarded)
    english.until(lambda: english.find("#token-value").is_displayed())
    english.address = guarded
    assert english.text("#alert") == "The service wants an access token."
    english.find("#token-value").send_keys("secret-of-the-reader-0123456789", Keys.ENTER)
    english.until(lambda: english.find("#model").get_attribute("value") == "ppocrv6-small")
    assert english.text("#alert") == ""

    (tmp_path / "large.png").write_bytes(bytes(3 * 2**20))
    english.give(tmp_path / "large.png")
    english.recognise()
    assert english.text("#alert") == (
        "large.png could not be read. The file has 3.0 MiB; the service takes up to 1.0 MiB."
    )
    english.find("#remove").click()

    english.run("""
      window.heard = [];
      const status = document.querySelector("#status");
      new MutationObserver(() => heard.push(status.textContent)).observe(status, { childList: true });
    """)
    english.give(*[images / "receipt.png"] * 2)
    english.recognise()
    assert english.texts("#rail .state") == ["✓ 5 lines"] * 2
    assert any(
        re.fullmatch(r"The service is busy\. Trying again in \d+ s\.", text)
        for text in english.run("return heard")
    )
    english.give(images / "pages.tiff")
    english.recognise()
    english.until(lambda: english.all("#sheet image"))  # the token goes with that, too
    assert english.faults() == []
