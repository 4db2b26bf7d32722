/** What is at hand: the uploads, their readings, what is chosen and what is shown. Knows nothing of the screen. */

import { ApiProblem } from "./service.js";
import { Pictures } from "./pictures.js";
import { fromAnswer, keepEdits, matchLines } from "./readings.js";

const AT_ONCE = 2; // files in work; more would only wait in the service's queue

let uploads = 0;

/** A file that the user gave. `state` is waiting, reading, read, failed or cancelled. */
export class Upload {
  constructor(file, name) {
    uploads += 1;
    this.id = `upload-${uploads}`;
    this.file = file;
    this.name = name;
    this.url = URL.createObjectURL(file);
    this.state = "waiting";
    this.problem = null;
    this.reading = null;
    this.rival = null;
    this.readWith = null;
    this.turned = 0;
  }
}

/**
 * Dispatches `uploads` (added, removed or in another state), `shown` (another page or reading), `line` (another
 * line chosen), `pointed` (a line or symbol under the pointer), `edited`, `busy` and `waiting`.
 */
export class Session extends EventTarget {
  uploads = [];
  shown = null;
  page = 0;
  line = null;
  choice = { model: "", rival: "", mode: "page", clean: [] };
  work = null;
  #stop = null;

  constructor(service) {
    super();
    this.service = service;
    this.pictures = new Pictures(service);
  }

  tell(type, detail = {}) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** Add files; the first of them is shown if none was. */
  add(files) {
    const added = files.map((file, index) => new Upload(file, file.name || `image-${this.uploads.length + index + 1}`));
    this.uploads.push(...added);
    this.tell("uploads");
    if (added.length > 0) {
      this.show(added[0]);
    }
  }

  remove(upload) {
    const place = this.uploads.indexOf(upload);
    this.uploads.splice(place, 1);
    URL.revokeObjectURL(upload.url);
    this.pictures.forget(upload);
    this.tell("uploads");
    if (this.shown === upload) {
      this.show(this.uploads[Math.min(place, this.uploads.length - 1)] ?? null);
    }
  }

  show(upload, page = 0) {
    [this.shown, this.page, this.line] = [upload, page, null];
    this.tell("shown");
  }

  /** The page shown, with its lines; null before it was read. */
  get pageShown() {
    return this.shown?.reading?.pages[this.page] ?? null;
  }

  /**
   * The lines shown beside those of the second model.
   *
   * @returns pairs [line or null, rival or null]; the rival is null everywhere where no second model was asked.
   */
  get pairs() {
    const rivals = this.shown?.rival?.pages[this.page]?.lines;
    const lines = this.pageShown?.lines ?? [];
    return rivals === undefined ? lines.map((line) => [line, null]) : matchLines(lines, rivals);
  }

  select(line, from) {
    this.line = line;
    this.tell("line", { from });
  }

  point(line, symbol, from) {
    this.tell("pointed", { line, symbol, from });
  }

  /** Change a line's text; what was read is kept beside it. */
  edit(line, text) {
    line.edited = text === line.text ? null : text;
    this.tell("edited", { line });
  }

  /** The uploads that Recognise would read now: those not read as chosen, or else the one shown. */
  get pending() {
    const wanted = JSON.stringify(this.choice);
    const pending = this.uploads.filter((upload) => upload.state !== "read" || upload.readWith !== wanted);
    return pending.length > 0 || this.shown === null ? pending : [this.shown];
  }

  /** Read everything pending; `work` says how far it is. */
  async recognise() {
    const queue = [...this.pending];
    const choice = structuredClone(this.choice);
    this.#stop = new AbortController();
    this.work = { all: queue.length, done: 0, failed: 0 };
    for (const upload of queue) {
      [upload.state, upload.problem] = ["waiting", null];
    }
    this.tell("busy");
    this.tell("uploads");
    const worker = async () => {
      while (queue.length > 0 && !this.#stop.signal.aborted) {
        await this.#readOne(queue.shift(), choice);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    for (const upload of queue) {
      upload.state = "cancelled";
    }
    const { work } = this;
    this.work = null;
    this.tell("uploads");
    this.tell("busy", { ...work, cancelled: this.#stop.signal.aborted });
  }

  cancel() {
    this.#stop?.abort();
  }

  async #readOne(upload, choice) {
    const options = {
      signal: this.#stop.signal,
      waiting: (seconds) => this.tell("waiting", { upload, seconds }),
    };
    upload.state = "reading";
    this.tell("uploads");
    try {
      const reading = fromAnswer(await this.service.read(upload.file, choice, options));
      const rival =
        choice.rival === ""
          ? null
          : fromAnswer(await this.service.read(upload.file, { ...choice, model: choice.rival }, options));
      if (upload.reading !== null) {
        keepEdits(upload.reading, reading);
      }
      Object.assign(upload, { state: "read", reading, rival, readWith: JSON.stringify(choice) });
      this.work.done += 1;
    } catch (error) {
      if (error === this.#stop.signal.reason || error.name === "AbortError") {
        upload.state = "cancelled";
      } else if (error instanceof ApiProblem) {
        Object.assign(upload, { state: "failed", problem: error });
        this.work.failed += 1;
      } else {
        throw error;
      }
    }
    this.tell("uploads", { upload });
    this.tell("busy");
    if (this.shown === upload) {
      this.show(upload, upload.state === "read" ? Math.min(this.page, upload.reading.pages.length - 1) : this.page);
    }
  }
}
