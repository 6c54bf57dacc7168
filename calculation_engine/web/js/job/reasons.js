/** Why one step was computed, reused, or waits, in plain words with links to the runs that it was held against. */

import { h } from "../dom.js";
import { time } from "../format.js";
import { changeList, foldedChanges, runLink } from "./changes.js";

const FEW = 5;
const OUTCOMES = { computed: "computed", reused: "reused", waiting: "waits", not_computed: "not computed" };

/** Return a badge for what became of a step. */
export function outcomeBadge(outcome) {
  return h("span", { class: `outcome ${outcome}` }, OUTCOMES[outcome] ?? outcome);
}

/** Return why, as paragraphs. */
export function whyText(why) {
  return [decided(why), why.compared_with && h("p", { class: "faint" }, "Compared with ", runLink(why.compared_with), "."), verified(why.verification), waits(why.waits)];
}

function decided(why) {
  if (why.outcome === "reused") {
    return h("p", {}, "The module, its environment, the command, the config and all input files are those of ", runLink(why.reused_from), ".");
  }
  if (why.causes.length === 0) return why.waits ? null : h("p", {}, plain(why));
  return why.causes.map(told);
}

function told(cause) {
  if (cause.kind !== "config" || cause.changes.length === 0) return [h("p", {}, sentence(cause.sentence)), foldedChanges(cause.changes, cause.more)];
  const first = cause.changes.slice(0, FEW);
  const lead = cause.changes.length + cause.more === 1 ? "A value of the config differs:" : "Values of the config differ:";
  return [h("p", {}, lead), changeList(first), foldedChanges(cause.changes, cause.more, FEW)];
}

/** The whole sentence, without the word that the badge says already. */
function plain({ sentence: text }) {
  return sentence(text.replace(/^(not )?computed[:,] /, ""));
}

function verified(found) {
  if (!found) return null;
  const files = found.files.filter(({ state }) => state !== "same");
  return [
    h("p", { class: found.verdict === "differs" ? "bad" : null }, sentence(found.sentence)),
    files.length > 0 && h("details", {}, h("summary", {}, "File by file"), changeFiles(files)),
  ];
}

function changeFiles(files) {
  return h("ul", { class: "changes" }, files.map((file) => h("li", {}, h("code", {}, file.path), " ", file.sentence)));
}

function waits(found) {
  if (!found) return null;
  const until = found.until && !found.sentence.includes(found.until) ? ` Until ${time(found.until)}.` : "";
  return h("p", {}, sentence(found.sentence), until);
}

function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

