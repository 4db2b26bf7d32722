/** The choice of models and options, and putting a model into service. */

import { byId } from "./element.js";
import { say } from "./language.js";
import { problemText } from "./problems.js";
import { ApiProblem } from "./service.js";

export class ModelChoice {
  #session;
  #announce;
  #alarm;
  #answer = { active: "", models: [] };

  constructor(session, { announce, alarm }) {
    [this.#session, this.#announce, this.#alarm] = [session, announce, alarm];
    for (const id of ["model", "other-model"]) {
      byId(id).addEventListener("change", () => this.#choose());
    }
    byId("options").addEventListener("change", () => this.#choose());
    byId("options").addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        byId("options").open = false;
        byId("options").querySelector("summary").focus();
      }
    });
    document.addEventListener("pointerdown", (event) => {
      if (!byId("options").contains(event.target)) {
        byId("options").open = false;
      }
    });
    byId("activate").addEventListener("click", () => this.#ask());
    byId("activation").addEventListener("close", () => {
      if (byId("activation").returnValue === "activate") {
        this.#activate();
      }
    });
  }

  /** Ask the service for its models; the active one is chosen. */
  async load() {
    this.#answer = await this.#session.service.models();
    this.#session.choice.model = this.#answer.active;
    this.draw();
  }

  draw() {
    const { model, rival } = this.#session.choice;
    const usable = this.#answer.models.filter(isUsable);
    byId("model").replaceChildren(...this.#answer.models.map((each) => this.#option(each)));
    byId("other-model").replaceChildren(
      new Option(say("compare_none"), ""),
      ...usable.filter((each) => each.name !== model).map((each) => new Option(each.name, each.name)),
    );
    byId("model").value = model;
    byId("other-model").value = rival === model ? "" : rival;
    byId("other-model").disabled = usable.length < 2;
    this.#choose();
  }

  #option(model) {
    const key = isUsable(model) ? "model_active" : "model_unusable";
    const plain = isUsable(model) && !model.active;
    const option = new Option(plain ? model.name : say(key, { name: model.name }), model.name);
    option.disabled = !isUsable(model);
    option.title = model.error ?? "";
    return option;
  }

  #choose() {
    const { choice } = this.#session;
    const model = byId("model").value;
    if (model !== choice.model) {
      choice.model = model;
      this.draw();
      return;
    }
    choice.rival = byId("other-model").value;
    choice.mode = byId("single-lines").checked ? "line" : "page";
    byId("cleaning").disabled = choice.mode === "line";
    choice.clean = [...byId("cleaning").querySelectorAll("input:checked:enabled")].map((each) => each.value);
    byId("activate").hidden = model === this.#answer.active;
    this.#session.tell("choice");
  }

  #ask() {
    const values = { name: this.#session.choice.model, active: this.#answer.active };
    byId("activation-text").textContent = say("activate_text", values);
    byId("activation").returnValue = "";
    byId("activation").showModal();
  }

  async #activate() {
    const name = this.#session.choice.model;
    this.#announce(say("activating", { name }));
    byId("activate").disabled = true;
    byId("activate").textContent = say("activating", { name });
    try {
      this.#answer = await this.#session.service.activate(name);
      this.#announce(say("activated", { name }));
      this.#alarm("");
    } catch (error) {
      if (!(error instanceof ApiProblem)) {
        throw error;
      }
      this.#alarm(`${problemText(error)} ${error.code === "model_failed" ? error.message : ""}`);
      if (error.status === 401 || error.status === 403) {
        this.#session.tell("refused");
      }
    }
    byId("activate").disabled = false;
    byId("activate").textContent = say("activate");
    this.draw();
  }
}

function isUsable(model) {
  return !model.error; // absent or null
}
