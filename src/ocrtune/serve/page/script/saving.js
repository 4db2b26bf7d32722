/** Readings as text, JSON and CSV, edits included; to the clipboard or as a file. */

import { bounds, pageText, textOf } from "./readings.js";

/** The text of a page; with several, of one upload or more, each below its name, as `ocrtune read` prints them. */
export function asText(uploads) {
  const pages = uploads.flatMap(({ name, reading }) =>
    reading.pages.map((page, index) => [index === 0 ? name : `${name} page ${index + 1}`, pageText(page)]),
  );
  return pages.length === 1
    ? pages[0][1]
    : pages.map(([name, text]) => `==> ${name} <==\n${text}${text && "\n"}`).join("\n");
}

/** The API's answer per upload, `text` as it stands now and `read_as` where it was edited; a list for several. */
export function asJson(uploads) {
  const answers = uploads.map(({ name, reading }) => ({
    file: name,
    model: reading.model,
    digest: reading.digest,
    mode: reading.mode,
    total_time: reading.seconds,
    pages: reading.pages.map((page) => ({
      width: page.width,
      height: page.height,
      angle: page.angle,
      text: pageText(page),
    })),
    text: reading.pages.flatMap((page) =>
      page.lines.map(({ edited, kept, ...line }) =>
        edited === null ? line : { ...line, text: edited, read_as: line.text },
      ),
    ),
  }));
  return `${JSON.stringify(answers.length === 1 ? answers[0] : answers, null, 1)}\n`;
}

const COLUMNS = ["file", "page", "row", "line", "text", "confidence", "read_as", "left", "top", "right", "bottom"];

/** One row per line of text (RFC 4180); `read_as` is empty where nothing was edited. */
export function asCsv(uploads) {
  const rows = uploads.flatMap(({ name, reading }) =>
    reading.pages.flatMap((page, index) =>
      page.lines.map((line, place) => [
        name,
        index + 1,
        line.row + 1,
        place + 1,
        textOf(line),
        line.confidence,
        line.edited === null ? "" : line.text,
        ...bounds(line.box),
      ]),
    ),
  );
  return [COLUMNS, ...rows].map((row) => `${row.map(cell).join()}\r\n`).join("");
}

function cell(value) {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Offer a text as a file. CSV gets the mark by which spreadsheets know UTF-8. */
export function saveFile(name, text, type) {
  const mark = type === "text/csv" ? "\ufeff" : "";
  const url = URL.createObjectURL(new Blob([mark, text], { type: `${type};charset=utf-8` }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // the browser may still be reading it
}

/** Put a text on the clipboard; false where the browser refuses. */
export async function copyText(text) {
  if (navigator.clipboard) {
    return navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
  }
  // Over plain HTTP, other than on the same machine, browsers offer only this.
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "hidden";
  document.body.append(field);
  const before = document.activeElement;
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  before?.focus();
  return copied;
}
