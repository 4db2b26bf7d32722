/** Light, dark, or as the system has it; remembered. */

import { byId } from "./element.js";

const STORED = "ocrtune.appearance";

export function startAppearance() {
  const select = byId("appearance");
  select.value = localStorage.getItem(STORED) ?? "system";
  const apply = () => {
    document.documentElement.dataset.appearance = select.value;
  };
  select.addEventListener("change", () => {
    localStorage.setItem(STORED, select.value);
    apply();
  });
  apply();
}
