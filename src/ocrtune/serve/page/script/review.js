/** Starts the page on which corrections are looked at again before a model learns from them. */

import { startAppearance } from "./appearance.js";
import { byId } from "./element.js";
import { hasText, say, startLanguage, startLanguageChoice } from "./language.js";
import { problemText } from "./problems.js";
import { ReviewList } from "./review_list.js";
import { ApiProblem, Service } from "./service.js";

const service = new Service();

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

/** Show a refusal of the service, and the field for a token where one is wanted. */
function refuse(error) {
  if (!(error instanceof ApiProblem)) {
    throw error;
  }
  byId("token").hidden = error.status !== 401 && error.status !== 403;
  alarm(problemText(error));
}

addEventListener("error", (event) => tellFault(event.error));
addEventListener("unhandledrejection", (event) => tellFault(event.reason));

await startLanguage();
startAppearance();
startLanguageChoice();

const list = new ReviewList(service, { announce, alarm, refuse });

byId("token").addEventListener("submit", (event) => {
  event.preventDefault();
  service.useToken(byId("token-value").value);
  list.load();
});
for (const id of ["state", "order"]) {
  byId(id).addEventListener("change", () => list.load());
}
document.addEventListener("language", () => list.translate());
byId("undo").addEventListener("click", () => list.undo());

document.body.classList.remove("loading");
await list.load();
