/** Makes elements. A text stays a text: nothing here turns a string into markup. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Return a new HTML element.
 * `attributes` may hold handlers (`onclick: f`), `style` as an object, booleans; null and false leave one out.
 * `children` may be nodes, texts, numbers, or lists of these; null and false are left out.
 */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** Return a new SVG element; otherwise as `h`. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) {
      element[name] = value;
      (element.handlers ??= {})[name] = value;
    } else if (name === "style") Object.entries(value).forEach(([key, text]) => element.style.setProperty(key, text));
    else if (name === "value" && "value" in element) element.value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  const parts = children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
  element.append(...parts.map((child) => (child instanceof Node ? child : String(child))));
  return element;
}

/** Put children at the end of an element; otherwise as `h`. */
export function put(place, ...children) {
  fill(place, {}, children);
}

/**
 * Make `place` hold `children` with as few changes as possible, so that focus, selection and scrolling survive.
 * Elements are matched by their order, and by `data-key` where they have one.
 */
export function update(place, ...children) {
  const wanted = h("div", {}, ...children);
  morphChildren(place, wanted);
}

function morphChildren(from, to) {
  const keyed = new Map([...from.children].filter((e) => e.dataset.key).map((e) => [e.dataset.key, e]));
  let current = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    const same = wanted.dataset?.key ? keyed.get(wanted.dataset.key) : undefined;
    if (same && same !== current) from.insertBefore(same, current);
    const here = same ?? current;
    if (here && alike(here, wanted)) {
      morph(here, wanted);
      current = here.nextSibling;
    } else from.insertBefore(wanted, current);
  }
  while (current) {
    const next = current.nextSibling;
    current.remove();
    current = next;
  }
}

function alike(one, other) {
  return one.nodeType === other.nodeType && one.nodeName === other.nodeName && one.dataset?.key === other.dataset?.key;
}

function morph(from, to) {
  if (from.nodeType === Node.TEXT_NODE) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  if (from.hasAttribute("data-keep")) return; // it looks after itself
  for (const { name } of [...from.attributes]) if (!to.hasAttribute(name) && name !== "open") from.removeAttribute(name);
  for (const { name, value } of to.attributes) if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  for (const name of Object.keys({ ...from.handlers, ...to.handlers })) from[name] = to.handlers?.[name] ?? null;
  from.handlers = to.handlers;
  morphChildren(from, to);
}

/** Return an icon of the few that the page has, drawn as lines in the text's colour. */
export function icon(name) {
  const shape = svg("path", { d: ICONS[name] });
  return svg("svg", { class: `icon ${name}`, viewBox: "0 0 16 16", "aria-hidden": "true" }, shape);
}

const ICONS = {
  queued: "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11M8 5v3.2l2 1.3",
  running: "M8 2.5a5.5 5.5 0 1 1-5.5 5.5",
  succeeded: "M3 8.5l3.5 3.5l6.5-8",
  failed: "M4 4l8 8M12 4l-8 8",
  cancelled: "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11M4.2 4.2l7.6 7.6",
  loop: "M13 5.5A5.5 5.5 0 0 0 3 6M3 10.5A5.5 5.5 0 0 0 13 10M13 2.5v3h-3M3 13.5v-3h3",
  up: "M8 11v-8M4.5 6L8 2.5L11.5 6M3 13.5h10",
  down: "M8 2.5v8M4.5 7.5L8 11l3.5-3.5M3 13.5h10",
  file: "M4 1.5h5.5L12.5 4.5v10h-8.5zM9 1.5v3.5h3.5",
  folder: "M1.5 4h4.5l1.5 2h7v7.5h-13z",
  next: "M6 3.5L10.5 8L6 12.5",
  bin: "M2.5 4.5h11M6 4.5v-2h4v2M4 4.5l.7 9h6.6l.7-9",
  again: "M13 8a5 5 0 1 1-1.5-3.6M13 2v3h-3",
  stop: "M4 4h8v8h-8z",
  link: "M6.5 3.5h-3.5v9.5h9.5v-3.5M9 2.5h4.5v4.5M13.5 2.5L7.5 8.5",
};
