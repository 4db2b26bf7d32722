/** The images at hand and their state, Recognise and Cancel, and how far the work is. */

import { byId, html } from "./element.js";
import { number, say, sayCount } from "./language.js";
import { problemText } from "./problems.js";

const SIGNS = { waiting: "○", reading: "…", read: "✓", failed: "!", cancelled: "–" };

export class Rail {
  #session;
  #announce;
  #alarm;
  #list = byId("rail");

  constructor(session, { announce, alarm }) {
    [this.#session, this.#announce, this.#alarm] = [session, announce, alarm];
    for (const type of ["uploads", "shown", "choice", "busy"]) {
      session.addEventListener(type, () => this.draw());
    }
    session.addEventListener("shown", () => this.#showProblem());
    session.addEventListener("uploads", ({ detail }) => detail.upload && this.#report(detail.upload));
    session.addEventListener("waiting", ({ detail }) => announce(say("busy", detail)));
    session.addEventListener("waiting", ({ detail }) => {
      byId("progress-text").textContent = say("busy", detail);
    });
    session.addEventListener("busy", ({ detail }) => this.#finish(detail));
    byId("recognise").addEventListener("click", () => session.recognise());
    byId("cancel").addEventListener("click", () => session.cancel());
    this.#list.addEventListener("keydown", (event) => this.#move(event));
  }

  draw() {
    const { uploads, work, pending } = this.#session;
    const recognise = byId("recognise");
    recognise.disabled = work !== null || pending.length === 0 || this.#session.choice.model === "";
    recognise.textContent = pending.length < 2 ? say("recognise") : sayCount("recognise", pending.length);
    byId("cancel").hidden = work === null;
    byId("progress").hidden = work === null;
    if (work !== null) {
      const done = work.done + work.failed;
      const key = work.failed > 0 ? "progress_failed" : "progress_text";
      byId("progress-bar").max = work.all;
      if (work.all === 1) {
        byId("progress-bar").removeAttribute("value"); // one file: how far it is cannot be told
      } else {
        byId("progress-bar").value = done;
      }
      byId("progress-text").textContent = say(key, { done, all: work.all, failed: work.failed });
    }
    this.#list.hidden = uploads.length < 2;
    const focused = this.#list.contains(document.activeElement);
    this.#list.replaceChildren(...uploads.map((upload) => html("li", {}, this.#entry(upload))));
    if (focused) {
      this.#list.querySelector("[aria-current]")?.focus();
    }
  }

  #entry(upload) {
    const shown = upload === this.#session.shown;
    return html(
      "button",
      {
        type: "button",
        id: upload.id,
        tabindex: shown ? 0 : -1,
        "aria-current": shown ? "true" : null,
        title: upload.name,
        click: () => this.#session.show(upload),
      },
      html("span", { class: "name" }, upload.name),
      html("span", { class: "state", "data-state": upload.state }, `${SIGNS[upload.state]} ${stateText(upload)}`),
    );
  }

  #move(event) {
    const { uploads, shown } = this.#session;
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -uploads.length, End: uploads.length }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      const next = Math.min(uploads.length - 1, Math.max(0, uploads.indexOf(shown) + step));
      this.#session.show(uploads[next]);
      this.#list.querySelector("[aria-current]").scrollIntoView({ inline: "nearest", block: "nearest" });
    }
  }

  #report(upload) {
    if (upload.state === "read") {
      const lines = upload.reading.pages.flatMap((page) => page.lines);
      this.#announce(
        sayCount("read", lines.length, { name: upload.name, seconds: number(upload.reading.seconds, 1) }),
      );
    } else if (upload.state === "failed" && upload.problem.status === 401) {
      this.#session.tell("refused");
    }
    this.#showProblem();
  }

  #showProblem() {
    const { shown } = this.#session;
    this.#alarm(shown?.problem ? `${say("failed", { name: shown.name })} ${problemText(shown.problem)}` : "");
  }

  #finish(detail) {
    if (detail.cancelled) {
      this.#announce(say("stopped", { done: detail.done, all: detail.all }));
    } else if (detail.all > 1 && detail.failed === 0) {
      this.#announce(say("all_read"));
    }
  }
}

function stateText(upload) {
  if (upload.state !== "read") {
    return say(`status_${upload.state}`);
  }
  return sayCount("summary", upload.reading.pages.flatMap((page) => page.lines).length);
}
