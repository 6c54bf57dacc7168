/** Texts that manifests and schemas bring: paragraphs, with names between backticks. Nothing else in them is markup. */

import { h } from "./dom.js";

/** Return a text's paragraphs. */
export function paragraphs(text) {
  const parts = (text ?? "").trim().split(/\n\s*\n/).filter(Boolean);
  return h("div", { class: "text" }, parts.map((part) => h("p", {}, inline(part))));
}

/** Return a text of one paragraph, what stands between backticks as code. */
export function inline(text) {
  return (text ?? "").split("`").map((part, index) => (index % 2 ? h("code", {}, part) : part));
}

/** Return how a module's inputs go together, a sentence each. */
export function rulesOf(module) {
  return module.input_rules.map((rule) => h("p", { class: "about" }, `${rule[0].toUpperCase()}${rule.slice(1)}.`));
}
