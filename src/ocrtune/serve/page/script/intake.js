/** Images coming in: dropped on the page, pasted, chosen, or from a phone's camera. */

import { byId } from "./element.js";

/** Hands every file that comes in to `take`; `refuse` is called where something without files came. */
export function listenForImages(take, refuse) {
  for (const [button, input] of [
    [byId("choose"), byId("files")],
    [byId("photograph"), byId("camera")],
  ]) {
    button.addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      take([...input.files]);
      input.value = ""; // so that the same file may be chosen again
    });
  }

  const curtain = byId("dropping");
  const carriesFiles = (event) => event.dataTransfer.types.includes("Files");
  addEventListener("dragover", (event) => {
    event.preventDefault(); // or the browser would leave the page and show the file
    curtain.hidden = !carriesFiles(event);
  });
  addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) {
      curtain.hidden = true;
    }
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    curtain.hidden = true;
    const files = [...event.dataTransfer.files];
    files.length > 0 ? take(files) : refuse();
  });
  addEventListener("paste", (event) => {
    const files = [...event.clipboardData.files];
    if (files.length > 0) {
      event.preventDefault();
      take(files);
    } else if (!event.target.closest?.("input")) {
      refuse();
    }
  });
}
