/** Starts the page and joins its parts: the head, the images at hand, the stage and the lines. */

import { byId } from "./element.js";
import { startAppearance } from "./appearance.js";
import { Collecting } from "./collecting.js";
import { listenForImages } from "./intake.js";
import { hasText, say, sayCount, startLanguage, startLanguageChoice } from "./language.js";
import { LineList } from "./lines.js";
import { ModelChoice } from "./models.js";
import { problemText } from "./problems.js";
import { Rail } from "./rail.js";
import { Results } from "./results.js";
import { ApiProblem, Service } from "./service.js";
import { Session } from "./session.js";
import { Stage } from "./stage.js";

const service = new Service();
const session = new Session(service);

function announce(text) {
  byId("status").textContent = text;
}

function alarm(text) {
  byId("alert").textContent = text;
}

/** A fault of this page itself is shown as well, even before its texts are there. */
function tellFault(error) {
  const message = error?.message ?? String(error);
  document.body.classList.remove("loading");
  alarm(hasText("error_unexpected") ? say("error_unexpected", { message }) : message);
}

/** Ask for limits and models; where a token is wanted, again once it was given. */
async function connect(models) {
  try {
    await service.askLimits();
    collecting.draw();
    await models.load();
    byId("token").hidden = true;
    alarm("");
  } catch (error) {
    if (!(error instanceof ApiProblem)) {
      throw error;
    }
    byId("token").hidden = error.status !== 401;
    alarm(problemText(error));
  }
}

addEventListener("error", (event) => tellFault(event.error));
addEventListener("unhandledrejection", (event) => tellFault(event.reason));

await startLanguage();
startAppearance();
startLanguageChoice();

const models = new ModelChoice(session, { announce, alarm });
const stage = new Stage(session, announce);
const lines = new LineList(session, announce);
const rail = new Rail(session, { announce, alarm });
const collecting = new Collecting(session, { announce, alarm });
const results = new Results(session, { announce, alarm });

listenForImages(
  (files) => {
    alarm("");
    session.add(files);
    announce(sayCount("added", files.length));
  },
  () => alarm(say("no_image")),
);
document.addEventListener("language", () => {
  for (const part of [models, stage, lines, rail, results]) {
    part.draw();
  }
});
byId("token").addEventListener("submit", (event) => {
  event.preventDefault();
  service.useToken(byId("token-value").value);
  connect(models);
});
session.addEventListener("refused", () => (byId("token").hidden = false));

session.show(null);
rail.draw();
document.body.classList.remove("loading");
await connect(models);
