/** Makes elements: the page is built from these and never from strings of markup. */

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element. `properties` become attributes, functions listeners; null and false are left out. */
export function html(name, properties = {}, ...children) {
  return fill(document.createElement(name), properties, children);
}

/** An SVG element, likewise. */
export function svg(name, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, name), properties, children);
}

/** The element of `index.html` with this id. */
export function byId(id) {
  const element = document.getElementById(id);
  if (element === null) {
    throw new Error(`index.html has no #${id}`);
  }
  return element;
}

function fill(element, properties, children) {
  for (const [key, value] of Object.entries(properties)) {
    if (typeof value === "function") {
      element.addEventListener(key, value);
    } else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(key, value === true ? "" : value);
    }
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}
