/** What an `ApiProblem` is called in the language of the page. */

import { amount, hasText, say } from "./language.js";

/** A sentence that says what was wrong and what to do; the API's own where the page has none for its code. */
export function problemText(problem) {
  const values = { status: problem.status, message: problem.message };
  if (problem.limit !== null && problem.got !== null) {
    values.limit = amount(problem.limit, problem.unit);
    values.got = amount(problem.got, problem.unit);
  }
  const key = `error_${problem.code}`;
  return say(hasText(key) ? key : "error_other", values);
}
