/** The corrections under review: a picture above each field, decided from the keyboard, one after the other. */

import { byId, html } from "./element.js";
import { number, percent, say } from "./language.js";
import { marked } from "./line_parts.js";
import { level } from "./readings.js";
import { ApiProblem } from "./service.js";

const AT_ONCE = 40; // corrections that are asked for together
const AHEAD = 8; // left below the one at hand when the next are asked for

/** A correction and its row. `verdict` is null, "accepted", "rejected" or "skipped". */
class Entry {
  constructor(correction, place) {
    [this.correction, this.place, this.verdict] = [correction, place, null];
    this.item = html("li", { class: "correction" });
    this.field = null;
    this.picture = null;
  }
}

export class ReviewList {
  #service;
  #announce;
  #alarm;
  #refuse;
  #list = byId("corrections");
  #entries = [];
  #decided = []; // {entry, before}, the last one at the end
  #counts = { waiting: 0, accepted: 0, rejected: 0 };
  #next = null;
  #round = 0; // of loading: an answer that comes after another choice was made is dropped
  #isLoading = false;
  #work = Promise.resolve();

  constructor(service, { announce, alarm, refuse }) {
    [this.#service, this.#announce, this.#alarm, this.#refuse] = [service, announce, alarm, refuse];
    document.addEventListener("keydown", (event) => this.#press(event));
  }

  /** Ask for the corrections of the chosen state, in the chosen order, from the beginning. */
  async load() {
    this.#round += 1;
    this.#isLoading = false;
    for (const entry of this.#entries) {
      URL.revokeObjectURL(entry.picture);
    }
    [this.#entries, this.#decided, this.#next] = [[], [], null];
    this.#list.replaceChildren();
    if (await this.#more()) {
      byId("token").hidden = true;
      this.#alarm("");
      this.#entries[0]?.field.focus();
    }
  }

  /** Say everything again, in another language. */
  translate() {
    for (const entry of this.#entries) {
      this.#fill(entry);
    }
    this.#tell();
  }

  /** Take back the last decision. */
  undo() {
    const last = this.#decided.pop();
    if (last === undefined) {
      this.#announce(say("nothing_to_undo"));
      return;
    }
    const { entry, before } = last;
    this.#then(async () => {
      if (await this.#change(entry, { state: before.state, text: before.text }, null)) {
        entry.field.focus();
        this.#announce(say("undone", { text: before.text }));
      }
    });
  }

  /** One request after the other, in the order of the keys: the last one counts. */
  #then(act) {
    this.#work = this.#work.then(act);
  }

  async #more() {
    if (this.#isLoading) {
      return false;
    }
    const round = this.#round;
    const query = { state: byId("state").value, order: byId("order").value, limit: AT_ONCE };
    if (this.#next !== null) {
      query.after = this.#next;
    }
    this.#isLoading = true;
    let answer = null;
    try {
      answer = await this.#service.corrections(query);
    } catch (error) {
      this.#refuse(error);
    }
    if (round !== this.#round) {
      return false;
    }
    this.#isLoading = false;
    if (answer !== null) {
      [this.#counts, this.#next] = [answer.counts, answer.next];
      for (const correction of answer.corrections) {
        const entry = new Entry(correction, this.#entries.length + 1);
        this.#entries.push(entry);
        this.#fill(entry);
        this.#list.append(entry.item);
        this.#showPicture(entry);
      }
    }
    this.#tell(answer !== null);
    return answer !== null;
  }

  #fill(entry) {
    const { correction, item } = entry;
    const typed = entry.field?.value ?? correction.text;
    const focused = entry.field !== null && document.activeElement === entry.field;
    entry.image ??= html("img", { class: "crop", width: correction.width, height: correction.height });
    entry.image.alt = say("crop");
    entry.field = html("input", {
      type: "text",
      dir: "auto",
      autocomplete: "off",
      autocapitalize: "off",
      spellcheck: "false",
      "aria-label": say("correction_label", {
        number: entry.place,
        reading: correction.reading || say("line_empty"),
        percent: percent(correction.confidence),
      }),
    });
    entry.field.value = typed;
    const button = (key, act, shortcut = null) =>
      html("button", { type: "button", "aria-keyshortcuts": shortcut, click: act }, say(key));
    item.dataset.verdict = entry.verdict ?? "";
    item.replaceChildren(
      html("div", { class: "shot" }, entry.image),
      html(
        "div",
        { class: "entry" },
        html("span", { class: "number", "aria-hidden": "true" }, number(entry.place)),
        entry.field,
        html("span", { class: "verdict" }, entry.verdict === null ? "" : say(`verdict_${entry.verdict}`)),
      ),
      html(
        "div",
        { class: "about" },
        html(
          "span",
          { class: "quiet" },
          `${say("read_as")} `,
          html("span", { class: "was", dir: "auto" }, ...marked(correction.reading, correction.text, "first")),
          " ",
          html("span", { class: `sureness ${level(correction.confidence)}` }, percent(correction.confidence)),
          html("span", { class: "origin" }, origin(correction)),
        ),
        html(
          "div",
          { class: "buttons" },
          button("accept", () => this.#decide(entry, "accepted"), "Enter"),
          button("reject", () => this.#decide(entry, "rejected"), "Alt+R"),
          button("delete", () => this.#askDeletion(entry)),
        ),
      ),
    );
    if (focused) {
      entry.field.focus();
    }
  }

  async #showPicture(entry) {
    try {
      entry.picture = await this.#service.correctionPicture(entry.correction.id);
      entry.image.src = entry.picture;
    } catch (error) {
      if (!(error instanceof ApiProblem)) {
        throw error;
      }
      entry.item.classList.add("without-picture");
    }
  }

  #press(event) {
    if (event.isComposing || event.ctrlKey || event.metaKey || byId("deletion").open) {
      return; // Enter and Escape also end the choice of a Chinese symbol
    }
    if (event.altKey && event.code === "KeyU") {
      event.preventDefault();
      this.undo(); // also after the last one, where no field has the focus
      return;
    }
    const entry = this.#entries.find(({ item }) => item.contains(event.target));
    if (entry === undefined) {
      return;
    }
    const inField = event.target === entry.field;
    const act = {
      "Enter": inField && (() => this.#decide(entry, "accepted")),
      "Escape": () => this.#skip(entry),
      "ArrowDown": () => this.#focusAfter(entry, 1),
      "ArrowUp": () => this.#focusAfter(entry, -1),
      "Alt+KeyR": () => this.#decide(entry, "rejected"),
    }[event.altKey ? `Alt+${event.code}` : event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  }

  #skip(entry) {
    entry.field.value = entry.correction.text;
    if (entry.verdict === null) {
      entry.verdict = "skipped";
      this.#fill(entry);
    }
    this.#focusAfter(entry, 1);
  }

  #decide(entry, state) {
    const decision = { entry, before: entry.correction };
    const text = entry.field.value;
    const change = state === "accepted" && text !== entry.correction.text ? { state, text } : { state };
    this.#decided.push(decision);
    this.#focusAfter(entry, 1);
    this.#then(async () => {
      if (await this.#change(entry, change, state)) {
        this.#announce(say(`said_${state}`, { text: entry.correction.text }));
      } else {
        this.#decided = this.#decided.filter((each) => each !== decision);
        entry.field.focus();
      }
      this.#tell();
    });
  }

  /** Change a correction at the service and show what it then is; whether that went well. */
  async #change(entry, change, verdict) {
    const before = entry.correction.state;
    try {
      entry.correction = await this.#service.review(entry.correction.id, change);
    } catch (error) {
      this.#refuse(error);
      return false;
    }
    this.#counts[before] -= 1;
    this.#counts[entry.correction.state] += 1;
    entry.verdict = verdict;
    entry.field.value = entry.correction.text;
    this.#alarm("");
    this.#fill(entry);
    this.#tell();
    return true;
  }

  #askDeletion(entry) {
    const dialog = byId("deletion");
    dialog.returnValue = "";
    dialog.showModal();
    dialog.addEventListener("close", () => dialog.returnValue === "delete" && this.#then(() => this.#delete(entry)), { once: true });
  }

  async #delete(entry) {
    try {
      await this.#service.deleteCorrection(entry.correction.id);
    } catch (error) {
      this.#refuse(error);
      return;
    }
    this.#counts[entry.correction.state] -= 1;
    this.#focusAfter(entry, 1);
    URL.revokeObjectURL(entry.picture);
    entry.item.remove();
    this.#entries.splice(this.#entries.indexOf(entry), 1);
    this.#decided = this.#decided.filter((each) => each.entry !== entry);
    this.#announce(say("deleted"));
    this.#tell();
  }

  #focusAfter(entry, step) {
    const place = this.#entries.indexOf(entry) + step;
    if (place >= this.#entries.length - AHEAD && this.#next !== null) {
      this.#more();
    }
    const following = this.#entries[place];
    if (following) {
      following.field.focus();
      following.item.scrollIntoView({ block: "nearest" });
    } else if (step > 0) {
      byId("counts").focus();
    }
  }

  #tell(known = true) {
    byId("undo").disabled = this.#decided.length === 0;
    const counts = Object.entries(this.#counts).map(([state, count]) => [state, number(count)]);
    byId("counts").textContent = known ? say("review_counts", Object.fromEntries(counts)) : "";
    byId("nothing").textContent = known && this.#entries.length === 0 ? say("nothing_to_review") : "";
  }
}

function origin({ who, made_at: made }) {
  const when = new Date(made).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
  return who === null ? when : `${who}, ${when}`;
}
