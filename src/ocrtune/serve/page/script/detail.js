/** What stands below the line that is open: its part of the image, every symbol's confidence, where it came from. */

import { html } from "./element.js";
import { percent, say } from "./language.js";
import { lineCrop } from "./picture.js";
import { level, textOf } from "./readings.js";

/**
 * @param session what is shown
 * @param pair the line and what the second model read, or null
 * @param {{edit: (text: string) => void, compared: boolean}} options
 */
export function lineDetail(session, [line, rival], { edit, compared }) {
  const detail = html("div", { class: "detail" });
  const { shown, page, pageShown } = session;
  const crop = html("div");
  session.pictures.of(shown, page).then(({ address }) => {
    if (address !== null) {
      crop.append(lineCrop(address, pageShown, line, say("crop")));
    }
  });
  detail.append(crop, symbolList(session, line));
  if (line.edited !== null) {
    detail.append(
      html(
        "div",
        { class: "original" },
        html("span", { class: "was", dir: "auto" }, line.text),
        html("button", { type: "button", click: () => edit(line.text) }, say("revert")),
      ),
    );
  }
  if (compared && rival !== null && rival.text !== textOf(line)) {
    detail.append(
      html(
        "div",
        { class: "original" },
        html("span", {}, `B ${shown.rival.model}`),
        html("span", { class: "was", dir: "auto" }, rival.text),
        html("button", { type: "button", click: () => edit(rival.text) }, say("use_reading")),
      ),
    );
  }
  return detail;
}

function symbolList(session, line) {
  const cells = line.characters.map((each) => {
    const symbol = each.symbol === " " ? say("space") : each.symbol;
    return html(
      "li",
      {
        class: level(each.confidence),
        "aria-label": say("symbol_label", { symbol, percent: percent(each.confidence) }),
        pointerenter: () => session.point(line, each, "detail"),
        pointerleave: () => session.point(line, null, "detail"),
      },
      html("span", { class: "glyph" }, each.symbol === " " ? "␣" : each.symbol),
      html("span", { class: "percent" }, Math.floor(each.confidence * 100)),
    );
  });
  return html("ul", { class: "symbols", "aria-label": say("symbols") }, ...cells);
}
