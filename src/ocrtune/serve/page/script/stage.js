/** The page image with a box round every line; boxes and the list of lines point at each other. */

import { byId, svg } from "./element.js";
import { say } from "./language.js";
import { imageSize, pagePicture, turning } from "./picture.js";
import { problemText } from "./problems.js";
import { bounds, level, textOf } from "./readings.js";

const STEP = 1.25; // of one press on + or −
const NEAREST = 3; // times the whole page, that it comes closer by itself

export class Stage {
  #session;
  #announce;
  #sheet = byId("sheet");
  #note = byId("sheet-note");
  #zoom = 1; // times the size at which the whole page fits
  #drawing = null;
  #boxes = new Map();
  #symbols = null;
  #size = null;
  #cursor = 0;

  constructor(session, announce) {
    [this.#session, this.#announce] = [session, announce];
    session.addEventListener("shown", () => this.draw());
    session.addEventListener("line", (event) => this.#mark(event.detail.from));
    session.addEventListener("pointed", ({ detail }) => this.#point(detail));
    session.addEventListener("edited", ({ detail }) => this.#label(detail.line));
    byId("zoom-in").addEventListener("click", () => this.#scale(this.#zoom * STEP));
    byId("zoom-out").addEventListener("click", () => this.#scale(this.#zoom / STEP));
    byId("zoom-fit").addEventListener("click", () => this.#scale(1));
    byId("turn").addEventListener("click", () => {
      session.shown.turned = (session.shown.turned + 90) % 360;
      this.draw();
    });
    byId("page-before").addEventListener("click", () => this.#leaf(-1));
    byId("page-after").addEventListener("click", () => this.#leaf(1));
    byId("remove").addEventListener("click", () => {
      announce(say("removed", { name: session.shown.name }));
      session.remove(session.shown);
      byId("choose").focus();
    });
    // A frame later: scroll bars that come and go with the new size must not resize the sheet again at once.
    new ResizeObserver(() => requestAnimationFrame(() => this.#scale(this.#zoom))).observe(this.#sheet);
  }

  /** Show the session's page. */
  async draw() {
    const { shown } = this.#session;
    byId("workspace").classList.toggle("empty", shown === null);
    this.#boxes.clear();
    this.#note.hidden = true;
    if (shown === null) {
      this.#drawing = null;
      this.#sheet.replaceChildren();
      return;
    }
    this.#showNames();
    const natural = await imageSize(shown.url);
    if (this.#session.shown !== shown) {
      return; // another one was chosen while this one was decoded
    }
    const page = this.#session.pageShown ?? (natural === null ? null : { ...natural, angle: 0, lines: [] });
    this.#size = page && turning(page.width, page.height, (page.angle + shown.turned) % 360);
    for (const id of ["zoom-in", "zoom-out", "zoom-fit", "turn"]) {
      byId(id).disabled = page === null;
    }
    if (page === null) {
      this.#drawing = null;
      this.#sheet.replaceChildren(say("no_preview"));
      return;
    }
    this.#symbols = svg("g");
    const blank = pagePicture(null, { ...page, lines: [] });
    this.#drawing = svg(
      "svg",
      { viewBox: `0 0 ${this.#size.width} ${this.#size.height}`, role: "group", "aria-label": say("page_image") },
      svg(
        "g",
        { transform: this.#size.transform },
        blank,
        this.#symbols,
        page.lines.length > 0 ? this.#boxesOf(page.lines) : null,
      ),
    );
    this.#sheet.replaceChildren(this.#drawing);
    this.#scale(1);
    this.#showText();
    this.#mark(null);
    await this.#showPicture(blank, page);
  }

  /** Put the image on a blank page once it is there; where there is none, what was read. */
  async #showPicture(blank, page) {
    const drawing = this.#drawing;
    this.#note.className = "note coming";
    this.#note.textContent = say("picture_coming");
    this.#note.hidden = false;
    const { address, problem } = await this.#session.pictures.of(this.#session.shown, this.#session.page);
    if (this.#drawing !== drawing) {
      return; // another page is shown by now
    }
    blank.replaceWith(pagePicture(address, page));
    this.#note.hidden = problem === null;
    if (problem !== null) {
      // Nobody may take for the scan what was only read.
      this.#note.className = "note";
      this.#note.textContent = [say("picture_failed"), problemText(problem), say("facsimile")].join(" ");
    }
  }

  /** Show the page before or after; a button that can go no further hands its focus on. */
  #leaf(step) {
    const { shown, page } = this.#session;
    this.#session.show(shown, page + step);
    this.#announce(byId("page-number").textContent);
    const [pressed, other] = step > 0 ? ["page-after", "page-before"] : ["page-before", "page-after"];
    if (byId(pressed).disabled) {
      byId(other).focus();
    }
  }

  #showNames() {
    const { shown, page } = this.#session;
    const pages = shown.reading?.pages.length ?? 1;
    byId("page-name").textContent = shown.name;
    byId("page-name").title = shown.name;
    byId("pager").hidden = pages < 2;
    byId("page-number").textContent = say("page_of", { page: page + 1, pages });
    byId("page-before").disabled = page === 0;
    byId("page-after").disabled = page === pages - 1;
  }

  /** All boxes are one stop of the tabulator; arrows go from one to the next, Enter to the line. */
  #boxesOf(lines) {
    const group = svg("g", {
      class: "boxes",
      role: "listbox",
      tabindex: 0,
      "aria-label": say("boxes"),
      keydown: (event) => this.#walk(event, lines),
      focus: () => this.#moveTo(group, lines, Math.max(0, lines.indexOf(this.#session.line))),
      blur: () => group.querySelector(".cursor")?.classList.remove("cursor"),
    });
    lines.forEach((line, index) => {
      const box = svg("polygon", {
        id: `box-${index}`,
        class: `box ${level(line.confidence)}`,
        role: "option",
        points: line.box.map((point) => point.join()).join(" "),
        pointerenter: () => this.#session.point(line, null, "stage"),
        pointerleave: () => this.#session.point(null, null, "stage"),
        click: () => this.#session.select(line, "stage"),
      });
      this.#boxes.set(line, box);
      this.#label(line);
      group.append(box);
    });
    return group;
  }

  #label(line) {
    this.#boxes.get(line)?.setAttribute("aria-label", textOf(line));
  }

  #walk(event, lines) {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1, Home: -lines.length, End: lines.length }[
      event.key
    ];
    if (step !== undefined) {
      event.preventDefault();
      const next = Math.min(lines.length - 1, Math.max(0, this.#cursor + step));
      this.#moveTo(event.currentTarget, lines, next);
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.#session.select(lines[this.#cursor], "stage");
    }
  }

  #moveTo(group, lines, index) {
    this.#cursor = index;
    group.querySelector(".cursor")?.classList.remove("cursor");
    const box = this.#boxes.get(lines[index]);
    box.classList.add("cursor");
    group.setAttribute("aria-activedescendant", box.id);
    this.#reveal(box);
    this.#session.point(lines[index], null, "stage");
  }

  #mark(from) {
    for (const [line, box] of this.#boxes) {
      const selected = line === this.#session.line;
      box.classList.toggle("selected", selected);
      box.setAttribute("aria-selected", selected);
      if (selected && from !== "stage") {
        this.#reveal(box);
      }
    }
    this.#symbols?.replaceChildren();
  }

  #point({ line, symbol, from }) {
    for (const [each, box] of this.#boxes) {
      box.classList.toggle("pointed", each === line);
    }
    this.#symbols?.replaceChildren();
    if (symbol) {
      const points = symbol.box.map((point) => point.join()).join(" ");
      this.#symbols.append(svg("polygon", { class: "symbol-box", points }));
    }
    if (line && from === "keyboard") {
      this.#reveal(this.#boxes.get(line));
    }
  }

  #reveal(box) {
    const [frame, place] = [this.#sheet.getBoundingClientRect(), box.getBoundingClientRect()];
    if (place.top < frame.top || place.bottom > frame.bottom) {
      this.#sheet.scrollTop += (place.top + place.bottom - frame.top - frame.bottom) / 2;
    }
    if (place.left < frame.left || place.right > frame.right) {
      this.#sheet.scrollLeft += (place.left + place.right - frame.left - frame.right) / 2;
    }
  }

  /** Come closer where all of the text takes up only a part of the page. */
  #showText() {
    if (this.#boxes.size === 0) {
      return;
    }
    const [frame, sheet] = [this.#drawing.getBoundingClientRect(), this.#sheet.getBoundingClientRect()];
    const places = [...this.#boxes.values()].map((box) => box.getBoundingClientRect());
    const corners = places.flatMap(({ left, top, right, bottom }) => [[left, top], [right, bottom]]);
    const [left, top, right, bottom] = bounds(corners);
    const margin = 24;
    const zoom = Math.min(sheet.width / (right - left + margin), sheet.height / (bottom - top + margin), NEAREST);
    this.#scale(zoom);
    const moved = this.#drawing.getBoundingClientRect();
    const scale = moved.width / frame.width;
    this.#sheet.scrollLeft += moved.left + ((left + right) / 2 - frame.left) * scale - (sheet.left + sheet.width / 2);
    this.#sheet.scrollTop += moved.top + ((top + bottom) / 2 - frame.top) * scale - (sheet.top + sheet.height / 2);
  }

  #scale(zoom) {
    this.#zoom = Math.min(16, Math.max(1, zoom));
    if (this.#drawing === null) {
      return;
    }
    const style = getComputedStyle(this.#sheet);
    const room = {
      width: this.#sheet.clientWidth - parseFloat(style.paddingLeft) * 2,
      height: this.#sheet.clientHeight - parseFloat(style.paddingTop) * 2,
    };
    const fit = Math.min(room.width / this.#size.width, room.height / this.#size.height);
    this.#drawing.setAttribute("width", this.#size.width * fit * this.#zoom);
    this.#drawing.setAttribute("height", this.#size.height * fit * this.#zoom);
    byId("zoom-out").disabled = this.#zoom === 1;
  }
}

