/** The head of the lines: what was read with which model, copying and saving. */

import { byId } from "./element.js";
import { number, say, sayCount } from "./language.js";
import { asCsv, asJson, asText, copyText, saveFile } from "./saving.js";

const KINDS = {
  "save-text": { write: asText, type: "text/plain", ending: "txt" },
  "save-json": { write: asJson, type: "application/json", ending: "json" },
  "save-csv": { write: asCsv, type: "text/csv", ending: "csv" },
};

export class Results {
  #session;
  #announce;

  constructor(session, { announce, alarm }) {
    [this.#session, this.#announce] = [session, announce];
    for (const type of ["uploads", "shown"]) {
      session.addEventListener(type, () => this.draw());
    }
    for (const [id, kind] of Object.entries(KINDS)) {
      byId(id).addEventListener("click", () => this.#save(kind));
    }
    byId("scope").addEventListener("change", () => this.draw());
    byId("copy").addEventListener("click", async () => {
      if (await copyText(asText(this.#chosen()))) {
        this.#announce(say("copied"));
        byId("copy").textContent = say("copied");
        setTimeout(() => (byId("copy").textContent = say("copy")), 1500);
      } else {
        alarm(say("copy_failed"));
      }
    });
  }

  draw() {
    const { shown, pageShown } = this.#session;
    const read = this.#session.uploads.filter((upload) => upload.reading !== null);
    byId("scope-field").hidden = read.length < 2;
    byId("summary").textContent =
      pageShown === null
        ? say("lines")
        : say("summary_model", {
            lines: sayCount("summary", pageShown.lines.length),
            seconds: number(shown.reading.seconds, 2),
            model: shown.reading.model,
          });
    const nothing = this.#chosen().length === 0;
    for (const id of ["copy", ...Object.keys(KINDS)]) {
      byId(id).disabled = nothing;
    }
  }

  /** The uploads to copy or save: the one shown, or all that were read. */
  #chosen() {
    const all = !byId("scope-field").hidden && byId("scope").value === "all";
    const uploads = all ? this.#session.uploads : [this.#session.shown];
    return uploads.filter((upload) => upload && upload.reading !== null);
  }

  #save({ write, type, ending }) {
    const uploads = this.#chosen();
    const stem = uploads.length === 1 ? uploads[0].name.replace(/\.[^.]+$/, "") : "ocrtune";
    const name = `${stem}.${ending}`;
    saveFile(name, write(uploads), type);
    this.#announce(say("saved", { name }));
  }
}
