/** What the page says, in the languages of `languages/`: by the browser's wish, or as it was chosen here. */

import { byId } from "./element.js";

/** Every language by its code, named in itself. */
export const LANGUAGES = { en: "English", nb: "Norsk", fr: "Français", zh: "简体中文" };

const SAME = { no: "nb", nn: "nb" };
const STORED = "ocrtune.language";

let code = "en";
let texts = {};

/** Load the chosen language, or the first of the browser's that there is. */
export async function startLanguage() {
  const wished = [localStorage.getItem(STORED), ...navigator.languages].map(known);
  await load(wished.find(Boolean) ?? "en");
}

/** Change the language and remember it; `language` is dispatched on the document when it is there. */
async function chooseLanguage(chosen) {
  localStorage.setItem(STORED, chosen);
  await load(chosen);
  document.dispatchEvent(new CustomEvent("language"));
}

/** Fill the choice of languages; `#language` is where it stands. */
export function startLanguageChoice() {
  const select = byId("language");
  select.replaceChildren(...Object.entries(LANGUAGES).map(([each, name]) => new Option(name, each)));
  select.value = code;
  select.addEventListener("change", () => chooseLanguage(select.value));
}

/** A sentence with its {places} filled in. */
export function say(key, values = {}) {
  const text = texts[key];
  if (text === undefined) {
    throw new Error(`languages/${code}.json has no "${key}"`);
  }
  return text.replace(/\{(\w+)\}/g, (_, place) => values[place]);
}

export function hasText(key) {
  return key in texts;
}

/** A sentence about `count` things; {count} is filled in. */
export function sayCount(key, count, values = {}) {
  const form = new Intl.PluralRules(code).select(count) === "one" ? "one" : "other";
  return say(`${key}_${form}`, { count: number(count), ...values });
}

export function number(value, digits = 0) {
  return value.toLocaleString(code, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** 0..1 as a percentage, rounded down so that only certainty is 100 %. */
export function percent(part) {
  return (Math.floor(part * 100) / 100).toLocaleString(code, { style: "percent" });
}

/** An amount in a unit of the API's errors. */
export function amount(value, unit) {
  if (unit === "bytes") {
    return `${number(value / 2 ** 20, value < 2 ** 20 ? 3 : 1)} MiB`;
  }
  const compact = value.toLocaleString(code, { notation: "compact", compactDisplay: "long", maximumFractionDigits: 1 });
  return say(`unit_${unit}`, { count: unit === "px" ? compact : number(value) });
}

/** Fill in everything that `index.html` marks with data-text and data-label. */
export function translatePage() {
  document.documentElement.lang = code === "zh" ? "zh-Hans" : code;
  for (const element of document.querySelectorAll("[data-text]")) {
    element.textContent = say(element.dataset.text);
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    const label = say(element.dataset.label);
    element.setAttribute("aria-label", label);
    if (element.matches("button")) {
      element.title = label;
    }
  }
}

function known(wish) {
  const primary = (wish ?? "").toLowerCase().split("-")[0];
  const each = SAME[primary] ?? primary;
  return each in LANGUAGES ? each : undefined;
}

async function load(chosen) {
  const response = await fetch(`languages/${chosen}.json`);
  if (!response.ok) {
    throw new Error(`languages/${chosen}.json: status ${response.status}`);
  }
  texts = await response.json();
  code = chosen;
  translatePage();
}
