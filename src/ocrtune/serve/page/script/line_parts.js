/** The parts of a line in the list: its text with doubt or differences marked, its confidence, its spoken label. */

import { html } from "./element.js";
import { percent, say, sayCount } from "./language.js";
import { differences, DOUBT, level, textOf } from "./readings.js";

/** Number and bar for a confidence; the label of the line tells it to those who do not see it. */
export function certainty(confidence) {
  const gauge = html("span", { class: "gauge" });
  gauge.style.setProperty("--part", confidence);
  return html("span", { class: `certainty ${level(confidence)}`, "aria-hidden": "true" }, gauge, percent(confidence));
}

/** Whether a line has symbols to look at that nobody has looked at. */
export function isDoubtful(line) {
  return line.edited === null && line.characters.some((each) => each.confidence < DOUBT);
}

/** What a pair is sorted by; an edited line is certain. */
export function confidenceOf([line, rival]) {
  return Math.min(line?.edited === null ? line.confidence : 1, rival?.confidence ?? 1);
}

/** Whether the two models read the pair differently. */
export function differ([line, rival]) {
  return line === null || rival === null || textOf(line) !== textOf(rival);
}

/** All that the line shows, as one sentence. */
export function lineLabel(line, item) {
  const values = { number: item.place, text: textOf(line) || say("line_empty") };
  if (line.edited !== null) {
    return say("line_label_edited", { ...values, reading: line.text });
  }
  const doubtful = line.characters.filter((each) => each.confidence < DOUBT);
  const symbols = doubtful.map((each) => (each.symbol === " " ? say("space") : each.symbol)).join(" ");
  const rival = item.pair[1];
  return [
    say("line_label", { ...values, percent: percent(line.confidence) }),
    doubtful.length > 0 ? sayCount("line_label_doubt", doubtful.length, { symbols }) : "",
    item.compared && differ(item.pair) ? say("differs_label", rivalValues(rival)) : "",
  ]
    .filter(Boolean)
    .join(" ");
}

function rivalValues(rival) {
  return rival === null
    ? { model: "B", text: say("missing_reading"), percent: percent(0) }
    : { model: "B", text: rival.text || say("line_empty"), percent: percent(rival.confidence) };
}

/** The reading, runs of doubtful symbols marked. */
export function symbolsOf(line) {
  if (textOf(line) === "") {
    return [html("span", { class: "empty-text" }, say("line_empty"))];
  }
  if (line.edited !== null) {
    return [line.edited];
  }
  const parts = [];
  for (const { symbol, confidence } of line.characters) {
    const kind = level(confidence);
    if (parts.at(-1)?.kind === kind) {
      parts.at(-1).text += symbol;
    } else {
      parts.push({ kind, text: symbol });
    }
  }
  return parts.map(({ kind, text }) => (kind === "" ? text : html("span", { class: `${kind}-symbol` }, text)));
}

export function tag(letter) {
  return html("span", { class: "tag", "aria-hidden": "true" }, letter);
}

/** What the second model read, with what differs marked. */
export function rivalLine([line, rival]) {
  const text =
    rival === null
      ? [html("span", { class: "quiet" }, say("missing_reading"))]
      : marked(line === null ? "" : textOf(line), textOf(rival), "second");
  return html(
    "div",
    { class: "rival" },
    html("span", { dir: "auto" }, tag("B"), ...text),
    rival === null ? null : certainty(rival.confidence),
  );
}

/**
 * One side of two texts; `side` is "first" or "second". A mark without text stands where the other
 * has more.
 */
export function marked(first, second, side) {
  return differences(first, second).map((part) => {
    if (part.same) {
      return part[side];
    }
    return part[side] === "" ? html("mark", { class: "gap" }) : html("mark", {}, part[side]);
  });
}
