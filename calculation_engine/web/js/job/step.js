/** One step with all that is known of it. */

import { h } from "../dom.js";
import { bytes, duration, elapsed, time } from "../format.js";
import { reasonSentence, stateBadge, verdictText } from "../words.js";
import { pastPlace } from "./past.js";
import { jsonTree } from "../result/json.js";

/** Return what is known of a step, as a list of words and values. */
export function stepDetail(job, step) {
  const verdict = step.verdict && Object.keys(step.verdict).length > 0 ? jsonTree(step.verdict) : null;
  const facts = [
    ["Says", step.message],
    ["Reason", reasonSentence(step.reason)],
    ["Verdict", verdict && [h("p", {}, verdictText(step.verdict)), verdict]],
    ["Module", `${step.module}${step.module_version ? ` ${step.module_version}` : ""}`],
    ["Where", [step.executor, step.host].filter(Boolean).join(", on ")],
    ["Attempt", step.attempt || ""],
    ["Exit code", step.exit_code],
    ["Queued", time(step.queued)],
    ["Started", time(step.started)],
    ["Ended", step.ended && [time(step.ended), elapsed(step.started, step.ended)].filter(Boolean).join(", after ")],
    ["Processor time", duration(step.cpu_seconds)],
    ["Most memory", bytes(step.peak_memory_bytes)],
    ["Environment", step.image && h("code", {}, step.image)],
    ["Key", step.key && h("code", { class: "clip", title: "Hash of all that determines the result" }, step.key)],
  ];
  const shown = facts.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return [
    h("div", { class: "row wrap" }, h("h2", {}, step.path), stateBadge(step.state), h("span", { class: "grow" }), links(job, step)),
    h("dl", { class: "facts" }, shown.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
    pastPlace(step),
  ];
}

function links(job, step) {
  return h(
    "div",
    { class: "actions" },
    h("a", { class: "button", href: `#/job/${job.id}/log?step=${encodeURIComponent(step.path)}` }, "Its log"),
    h("a", { class: "button", href: `#/job/${job.id}/results?below=${encodeURIComponent(`${step.path}/`)}` }, "Its results"),
    h("a", { class: "button quiet", href: `#/job/${job.id}/steps`, "aria-label": "Close" }, "Close"),
  );
}
