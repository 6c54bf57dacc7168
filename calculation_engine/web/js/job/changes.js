/** Values that differ between two runs or two jobs, a line each. */

import { h } from "../dom.js";
import { count, shortId, time } from "../format.js";

const SHA = /^[0-9a-f]{64}$/;

/** Return differing values as a list: `path: a → b`; `more` is how many are not listed. */
export function changeList(changes, more = 0) {
  const rest = more > 0 ? h("li", { class: "faint" }, `and ${more} more`) : null;
  return h("ul", { class: "changes" }, changes.map((change) => h("li", {}, h("code", {}, change.path || "the whole"), " ", ...told(change))), rest);
}

function told({ change, a, b }) {
  if (change === "added") return [value(b), " was added"];
  if (change === "removed") return [value(a), " was removed"];
  return [value(a), " → ", value(b)];
}

/** Return a value of a document as a short text; all of it stands in the title. */
export function value(given) {
  const text = typeof given === "string" ? (SHA.test(given) ? `sha256 ${given.slice(0, 12)}` : given) : JSON.stringify(given ?? null);
  const shown = text.length > 60 ? `${text.slice(0, 57)}…` : text;
  return h("span", { class: "value", title: text === shown ? null : text.slice(0, 2000) }, shown === "" ? "“”" : shown);
}

/** Return differing values folded away under how many they are, where they are many. */
export function foldedChanges(changes, more = 0, few = 3) {
  if (changes.length + more <= few) return null;
  return h("details", {}, h("summary", {}, `All ${count(changes.length + more, "value")} that differ`), changeList(changes, more));
}

/** Return a link to an earlier run, as far as it may be seen. */
export function runLink(run) {
  if (!run.job) return "a step of a job that was deleted, or that is somebody else's";
  const name = run.job_name || `job ${shortId(run.job)}`;
  return [h("a", { href: `#/job/${run.job}/steps/${run.path}` }, `${run.path} of ${name}`), run.ended ? `, ${time(run.ended)}` : ""];
}
