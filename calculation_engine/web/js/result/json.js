/** JSON as a tree that opens and closes. */

import { h } from "../dom.js";

const MOST = 200;

/** Return a value as a tree; the first `depth` levels are open. */
export function jsonTree(value, depth = 1) {
  return h("div", { class: "json" }, node(value, depth));
}

function node(value, depth) {
  if (value === null || typeof value !== "object") return leaf(value);
  const entries = Object.entries(value);
  if (entries.length === 0) return h("span", { class: "faint" }, Array.isArray(value) ? "[ ]" : "{ }");
  if (Array.isArray(value) && value.length <= 12 && value.every((one) => one === null || typeof one !== "object")) {
    return h("span", {}, "[", value.flatMap((one, index) => (index ? [", ", leaf(one)] : [leaf(one)])), "]");
  }
  return list(entries, depth);
}

function list(entries, depth) {
  const items = entries.slice(0, MOST).map(([key, value]) => item(key, value, depth - 1));
  const rest = entries.length > MOST ? h("li", { class: "faint" }, `and ${entries.length - MOST} more`) : null;
  return h("ul", {}, items, rest);
}

function item(key, value, depth) {
  const isLong = value !== null && typeof value === "object" && Object.keys(value).length > 0;
  const shown = isLong ? node(value, depth) : null;
  if (!isLong || shown.tagName !== "UL") return h("li", {}, h("span", { class: "key" }, key), " ", shown ?? node(value, depth));
  const size = Array.isArray(value) ? `[${value.length}]` : `{${Object.keys(value).length}}`;
  return h("li", {}, h("details", { open: depth > 0 }, h("summary", {}, h("span", { class: "key" }, key), " ", h("span", { class: "faint" }, size)), shown));
}

function leaf(value) {
  const kind = value === null ? "null" : typeof value;
  return h("span", { class: `value ${kind}` }, kind === "string" ? value || "“”" : kind === "number" ? plain(value) : String(value));
}

function plain(value) {
  return value !== 0 && Math.abs(value) < 1e-4 ? value.toExponential() : String(value);
}
