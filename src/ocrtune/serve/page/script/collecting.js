/** Hands edited lines to a service that keeps corrections; nothing is sent to one that does not. */

import { byId } from "./element.js";
import { say, sayCount } from "./language.js";
import { problemText } from "./problems.js";
import { textOf } from "./readings.js";
import { ApiProblem } from "./service.js";

const PAUSE = 700; // ms after an edit: the next one may be of the same page, which is sent once for both

export class Collecting {
  #session;
  #announce;
  #alarm;
  #waiting = new Map(); // line -> where it was read: {upload, page, digest}
  #timer = null;
  #work = Promise.resolve(); // one request after the other, so that the last edit counts

  constructor(session, { announce, alarm }) {
    [this.#session, this.#announce, this.#alarm] = [session, announce, alarm];
    session.addEventListener("edited", ({ detail }) => this.#note(detail.line));
  }

  /** Whether the service keeps corrections. */
  get isOn() {
    return this.#session.service.limits?.corrections === true;
  }

  /** Tell those who edit. */
  draw() {
    byId("collecting").hidden = !this.isOn;
  }

  #note(line) {
    if (!this.isOn) {
      return;
    }
    const { shown, page } = this.#session;
    this.#waiting.set(line, { upload: shown, page, digest: shown.reading.digest });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const edited = [...this.#waiting];
      this.#waiting.clear();
      this.#work = this.#work.then(() => this.#send(edited));
    }, PAUSE);
  }

  /** Send what was edited, page by page; take back what is as it was read, or has no text any more. */
  async #send(edited) {
    const wanted = edited.filter(([line]) => line.edited !== null && line.edited.trim() !== "");
    const back = edited.filter((each) => !wanted.includes(each) && each[0].kept !== null);
    const pages = Map.groupBy(wanted, ([, { upload, page, digest }]) => `${upload.id} ${page} ${digest}`);
    try {
      for (const lines of pages.values()) {
        await this.#keep(lines);
      }
      for (const [line] of back) {
        await this.#session.service.deleteCorrection(line.kept);
        line.kept = null;
        this.#session.tell("kept", { line });
        this.#announce(say("kept_no_more"));
      }
    } catch (error) {
      if (!(error instanceof ApiProblem)) {
        throw error;
      }
      this.#alarm(`${say("not_kept")} ${problemText(error)}`);
    }
  }

  async #keep(lines) {
    const { upload, page, digest } = lines[0][1];
    const stored = await this.#session.service.correct(
      upload.file,
      page,
      digest,
      lines.map(([line]) => ({
        text: textOf(line),
        reading: line.text,
        confidence: line.confidence,
        box: line.box,
        stacked: line.stacked,
      })),
    );
    lines.forEach(([line], index) => {
      line.kept = stored[index].id;
      this.#session.tell("kept", { line });
    });
    this.#announce(sayCount("kept", lines.length));
  }
}
