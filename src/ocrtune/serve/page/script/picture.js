/** The image of a page as SVG: upright, whole or one line's part of it; a drawn sheet where a browser shows none. */

import { svg } from "./element.js";
import { textOf } from "./readings.js";

const CROP = 56; // px that the part with one line is tall, unless it would be enlarged more than twice

const sizes = new Map(); // address of an image -> its size, or null where the browser cannot show it

/** Width and height in px of an image file, turned as its EXIF data say; null if the browser cannot show it. */
export async function imageSize(url) {
  if (!sizes.has(url)) {
    const image = new Image();
    image.src = url;
    const size = await image.decode().then(
      () => ({ width: image.naturalWidth, height: image.naturalHeight }),
      () => null, // PDF, TIFF, PPM or a broken file: the service says which
    );
    sizes.set(url, size);
  }
  return sizes.get(url);
}

/** The transform that turns a page of this size clockwise by `angle`, and the size it then has. */
export function turning(width, height, angle) {
  const transform = {
    0: null,
    90: `translate(${height} 0) rotate(90)`,
    180: `translate(${width} ${height}) rotate(180)`,
    270: `translate(0 ${width}) rotate(270)`,
  }[angle];
  return angle % 180 === 0 ? { transform, width, height } : { transform, width: height, height: width };
}

/** The page itself, at its own size: the image, or its lines set on a blank sheet. */
export function pagePicture(url, page) {
  const { width, height } = page;
  if (url !== null) {
    return svg("image", { href: url, width, height, preserveAspectRatio: "none" });
  }
  const sheet = svg("g", {}, svg("rect", { class: "blank", width, height }));
  sheet.append(...page.lines.map(printedLine));
  return sheet;
}

/** The part of the page where a line stands, level and with a little around it. */
export function lineCrop(url, page, line, label) {
  const [[x0, y0], [x1, y1], , [x3, y3]] = line.box;
  const length = Math.max(1, Math.hypot(x1 - x0, y1 - y0));
  const tall = Math.max(1, Math.hypot(x3 - x0, y3 - y0));
  const around = Math.min(length, tall) * 0.25;
  const [width, height] = [length + 2 * around, tall + 2 * around];
  const scale = Math.min(2, CROP / height);
  const angle = (Math.atan2(y1 - y0, x1 - x0) * 180) / Math.PI;
  return svg(
    "svg",
    {
      class: "crop",
      role: "img",
      "aria-label": label,
      viewBox: `${-around} ${-around} ${width} ${height}`,
      width: width * scale,
      height: height * scale,
    },
    svg("g", { transform: `rotate(${-angle}) translate(${-x0} ${-y0})` }, pagePicture(url, page)),
  );
}

function printedLine(line) {
  const [[x0, y0], [x1, y1], , [x3, y3]] = line.box;
  const length = Math.hypot(x1 - x0, y1 - y0);
  const tall = Math.hypot(x3 - x0, y3 - y0);
  const angle = (Math.atan2(y1 - y0, x1 - x0) * 180) / Math.PI;
  const place = `translate(${x0} ${y0}) rotate(${angle}) translate(0 ${tall * 0.78})`;
  return svg(
    "text",
    { class: "facsimile", transform: place, "font-size": tall * 0.8, textLength: length, lengthAdjust: "spacingAndGlyphs" },
    textOf(line),
  );
}
