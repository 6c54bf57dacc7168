/** What was asked for: every process with its config and inputs, and the whole workflow to copy. */

import { h, put } from "../dom.js";
import { note } from "../problem.js";
import { jsonTree } from "../result/json.js";

export function openRequest(panel, job) {
  const text = JSON.stringify(job.workflow, null, 2);
  const copy = () => navigator.clipboard.writeText(text).then(() => note("The workflow is copied."));
  const components = job.workflow.components ?? [];
  put(
    panel,
    ...job.workflow.processes.map((process) => processCard(process)),
    ...components.map((part) => card(part.name, part.type, jsonTree(part, 2))),
    h(
      "details",
      { class: "card" },
      h("summary", {}, "The workflow as it is stored"),
      h("div", { class: "row end" }, navigator.clipboard && h("button", { type: "button", onclick: copy }, "Copy")),
      h("pre", { class: "log" }, text),
    ),
  );
  return () => {};
}

function card(name, kind, ...content) {
  return h("section", { class: "card" }, h("h2", {}, name, " ", h("small", {}, kind)), content);
}

function processCard(process) {
  const inputs = Object.entries(process.inputs ?? {}).map(([label, given]) => [label, inputText(given)]);
  const pipes = Object.entries(process.pipes ?? {}).map(([label, pipe]) => [label, `output ${pipe.label} of ${pipe.process}`]);
  const limits = Object.entries(process.resources ?? {}).filter(([, value]) => value !== null);
  return card(
    process.name,
    h("a", { href: `#/module/${process.module}` }, process.module),
    facts("Inputs", [...inputs, ...pipes]),
    facts("Limits of its own", limits),
    Object.keys(process.config ?? {}).length > 0 && [h("h3", {}, "Config"), jsonTree(process.config, 2)],
  );
}

function facts(title, pairs) {
  if (pairs.length === 0) return null;
  return [
    h("h3", {}, title),
    h("dl", { class: "facts" }, pairs.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
  ];
}

function inputText(given) {
  if (given.type === "job") return h("a", { href: `#/job/${given.uuid}/results/${given.path}` }, `${given.path} of job ${given.uuid}`);
  if (given.type === "inline") return h("pre", { class: "log small" }, given.text.slice(0, 2000));
  return ["a file that was sent, ", h("code", {}, (given.checksum ?? given.uuid ?? "").slice(0, 12))];
}
