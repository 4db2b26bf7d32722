/** The list of lines: one stop of the tabulator, arrows to move, one line open, edited in place. */

import { byId, html } from "./element.js";
import { number, percent, say, sayCount } from "./language.js";
import { lineDetail } from "./detail.js";
import { certainty, confidenceOf, differ, isDoubtful, lineLabel, marked, rivalLine, symbolsOf, tag } from "./line_parts.js";
import { DOUBT, textOf, WEAK } from "./readings.js";

export class LineList {
  #session;
  #announce;
  #list = byId("lines");
  #rows = new Map(); // line -> its <li>
  #editing = null;

  constructor(session, announce) {
    [this.#session, this.#announce] = [session, announce];
    session.addEventListener("shown", () => this.draw());
    session.addEventListener("uploads", ({ detail }) => detail.upload === session.shown || this.#sayNothing());
    session.addEventListener("line", ({ detail }) => this.#open(detail.from));
    session.addEventListener("pointed", ({ detail }) => this.#point(detail));
    for (const type of ["edited", "kept"]) {
      session.addEventListener(type, ({ detail }) => this.#redraw(detail.line));
    }
    this.#list.addEventListener("keydown", (event) => this.#move(event));
    byId("order").addEventListener("change", () => this.draw());
    byId("differing").addEventListener("change", () => this.draw());
    byId("next-doubt").addEventListener("click", () => this.#nextDoubt());
  }

  /** Show the lines of the session's page. */
  draw() {
    const { shown, pageShown } = this.#session;
    this.#rows.clear();
    this.#editing = null;
    const compared = Boolean(shown?.rival);
    byId("differing-choice").hidden = !compared;
    this.#tellDifferences(compared);
    let pairs = this.#session.pairs;
    if (compared && byId("differing").checked) {
      pairs = pairs.filter(differ);
    }
    if (byId("order").value === "doubt") {
      pairs = [...pairs].sort((a, b) => confidenceOf(a) - confidenceOf(b));
    }
    const numbers = new Map(pageShown?.lines.map((line, index) => [line, index + 1]));
    let row = null;
    const items = pairs.map(([line, rival]) => {
      const beside = line !== null && line.row === row && byId("order").value === "page";
      row = line?.row ?? null;
      return this.#item(line, rival, { compared, beside, number: numbers.get(line) });
    });
    this.#list.replaceChildren(...items);
    this.#setTabStop(this.#session.line);
    byId("next-doubt").disabled = !pageShown?.lines.some(isDoubtful);
    this.#sayNothing();
    this.#showLegend();
  }

  #item(line, rival, { compared, beside, number: place }) {
    const item = html("li", { class: `line${beside ? " beside" : ""}` });
    item.place = place;
    item.pair = [line, rival];
    item.compared = compared;
    if (line === null) {
      item.append(html("div", { class: "row" }, html("span", { class: "number" }, "–"), rivalLine(item.pair)));
      return item;
    }
    item.addEventListener("pointerenter", () => this.#session.point(line, null, "list"));
    item.addEventListener("pointerleave", () => this.#session.point(null, null, "list"));
    this.#rows.set(line, item);
    this.#fill(item);
    return item;
  }

  #fill(item) {
    const [line, rival] = item.pair;
    const open = line === this.#session.line;
    const differing = item.compared && differ(item.pair);
    const button = html(
      "button",
      {
        type: "button",
        class: "reading",
        dir: "auto",
        tabindex: -1,
        "aria-expanded": String(open),
        "aria-label": lineLabel(line, item),
        click: () => (line === this.#session.line ? this.#session.select(null, "list") : this.#session.select(line, "list")),
        dblclick: () => this.#edit(line),
      },
      differing ? tag("A") : null,
      ...(differing && rival !== null ? marked(textOf(line), textOf(rival), "first") : symbolsOf(line)),
    );
    const pencil = html(
      "button",
      {
        type: "button",
        class: "icon pencil",
        tabindex: open ? 0 : -1,
        "aria-label": say("edit_line", { number: item.place }),
        title: say("edit"),
        click: () => this.#edit(line),
      },
      "✎",
    );
    const row = html(
      "div",
      { class: "row" },
      html("span", { class: "number", "aria-hidden": "true" }, number(item.place)),
      button,
      line.edited === null ? certainty(line.confidence) : html("span", { class: "changed" }, say(line.kept === null ? "edited" : "edited_kept")),
      pencil,
      differing ? rivalLine(item.pair) : null,
    );
    item.classList.toggle("selected", open);
    item.replaceChildren(row);
    if (open) {
      item.append(
        lineDetail(this.#session, item.pair, {
          edit: (text) => this.#session.edit(line, text),
          compared: item.compared,
        }),
      );
    }
  }

  #redraw(line) {
    const item = this.#rows.get(line);
    if (item && this.#editing !== line) {
      const focused = item.contains(document.activeElement);
      this.#fill(item);
      this.#setTabStop(this.#session.line);
      if (focused) {
        this.#focus(line);
      }
    }
    byId("next-doubt").disabled = !this.#session.pageShown?.lines.some(isDoubtful);
  }

  /** Open the session's line and close the one before. */
  #open(from) {
    const { line } = this.#session;
    const focused = this.#list.contains(document.activeElement);
    for (const item of this.#list.querySelectorAll(".selected")) {
      this.#fill(item);
    }
    if (line !== null) {
      this.#fill(this.#rows.get(line));
    }
    this.#setTabStop(line);
    if (line !== null) {
      this.#rows.get(line).scrollIntoView({ block: "nearest" });
    }
    if (focused || from === "stage") {
      this.#focus(line);
    }
  }

  #focus(line) {
    (line === null ? this.#list.querySelector(".reading[tabindex='0']") : this.#buttonOf(line))?.focus();
  }

  #buttonOf(line) {
    return this.#rows.get(line)?.querySelector(".reading");
  }

  #setTabStop(line) {
    for (const each of this.#list.querySelectorAll(".reading[tabindex='0']")) {
      each.tabIndex = -1;
    }
    const stop = this.#buttonOf(line) ?? this.#list.querySelector(".reading");
    if (stop) {
      stop.tabIndex = 0;
    }
  }

  #point({ line, from }) {
    for (const [each, item] of this.#rows) {
      item.classList.toggle("pointed", each === line);
    }
    if (line && from === "stage") {
      this.#rows.get(line)?.scrollIntoView({ block: "nearest" });
    }
  }

  #move(event) {
    if (!event.target.matches(".reading") || event.ctrlKey || event.altKey || event.metaKey) {
      return;
    }
    const item = event.target.closest(".line");
    const buttons = [...this.#list.querySelectorAll(".reading")];
    const place = buttons.indexOf(event.target);
    const step = { ArrowDown: 1, ArrowUp: -1, Home: -buttons.length, End: buttons.length }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      const next = buttons[Math.min(buttons.length - 1, Math.max(0, place + step))].closest(".line");
      this.#session.select(next.pair[0], "list");
    } else if (event.key === "Enter" || event.key === "F2") {
      event.preventDefault();
      this.#edit(item.pair[0]);
    } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      event.preventDefault();
      this.#nextSymbol(item, event.key === "ArrowRight" ? 1 : -1);
    } else if (event.key === "Escape" && this.#session.line !== null) {
      this.#session.select(null, "list");
    } else if (event.key.toLowerCase() === "n") {
      this.#nextDoubt();
    }
  }

  #nextSymbol(item, step) {
    const [line] = item.pair;
    if (line !== this.#session.line) {
      this.#session.select(line, "list");
    }
    const cells = [...this.#rows.get(line).querySelectorAll(".symbols li")];
    const before = cells.findIndex((cell) => cell.classList.contains("pointed"));
    const next = Math.min(cells.length - 1, Math.max(0, before + step));
    if (cells.length > 0) {
      cells.forEach((cell, index) => cell.classList.toggle("pointed", index === next));
      this.#session.point(line, line.characters[next], "keyboard");
      this.#announce(cells[next].getAttribute("aria-label"));
    }
  }

  #nextDoubt() {
    const lines = [...this.#list.querySelectorAll(".line")].map((item) => item.pair[0]);
    const start = lines.indexOf(this.#session.line) + 1;
    const found = [...lines.slice(start), ...lines.slice(0, start)].find((line) => line !== null && isDoubtful(line));
    if (found) {
      this.#session.select(found, "list");
      this.#focus(found);
    }
  }

  /** Replace the reading by a field. Enter keeps and goes on, Escape drops, leaving the field keeps. */
  #edit(line) {
    if (this.#editing === line) {
      return;
    }
    if (line !== this.#session.line) {
      this.#session.select(line, "list");
    }
    const item = this.#rows.get(line);
    const row = item.querySelector(".row");
    const field = html("input", {
      type: "text",
      dir: "auto",
      autocomplete: "off",
      autocapitalize: "off",
      spellcheck: "false",
      "aria-label": say("edit_line", { number: item.place }),
    });
    field.value = textOf(line);
    const close = (keep) => {
      if (this.#editing !== line) {
        return;
      }
      this.#editing = null;
      if (keep && field.value !== textOf(line)) {
        this.#session.edit(line, field.value);
        this.#announce(say("line_saved", { number: item.place }));
      } else {
        this.#redraw(line);
      }
    };
    const form = html(
      "form",
      {
        class: "editor",
        submit: (event) => {
          event.preventDefault();
          close(true);
          const following = item.nextElementSibling?.pair?.[0] ?? line;
          this.#session.select(following, "list");
          this.#focus(following);
        },
        keydown: (event) => {
          if (event.key === "Escape") {
            close(false);
            this.#focus(line);
          }
        },
        focusout: (event) => form.contains(event.relatedTarget) || close(true),
      },
      field,
      html("button", { class: "primary" }, say("edit_keep")),
      html(
        "button",
        {
          type: "button",
          click: () => {
            close(false);
            this.#focus(line);
          },
        },
        say("edit_drop"),
      ),
    );
    this.#editing = line;
    row.replaceChildren(row.firstChild, form);
    field.focus();
  }

  #tellDifferences(compared) {
    const { shown } = this.#session;
    byId("difference").hidden = !compared;
    if (compared) {
      const names = { first: `A ${shown.reading.model}`, second: `B ${shown.rival.model}` };
      const count = this.#session.pairs.filter(differ).length;
      byId("difference").textContent =
        count === 0 ? say("difference_none", names) : sayCount("difference", count, names);
    }
  }

  #sayNothing() {
    const { shown, pageShown } = this.#session;
    const key = () => {
      if (shown === null) {
        return "nothing_yet";
      }
      if (shown.state === "reading" || shown.state === "failed") {
        return `nothing_${shown.state}`;
      }
      return pageShown === null ? "nothing_waiting" : "nothing_found";
    };
    const differing = !byId("differing-choice").hidden && byId("differing").checked && pageShown?.lines.length > 0;
    byId("nothing").textContent = this.#list.children.length > 0 ? "" : say(differing ? "nothing_differs" : key());
  }

  #showLegend() {
    byId("legend").replaceChildren(
      html("span", {}, html("span", { class: "doubt-symbol" }, "abc"), ` ${say("legend_doubt", { percent: percent(DOUBT) })}`),
      html("span", {}, html("span", { class: "weak-symbol" }, "abc"), ` ${say("legend_weak", { percent: percent(WEAK) })}`),
    );
    byId("legend").hidden = this.#rows.size === 0;
  }
}
