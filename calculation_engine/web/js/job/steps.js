/** A job's steps: the workflow as a picture, and each run of a module with how it went. */

import { h, icon, update } from "../dom.js";
import { count, elapsed } from "../format.js";
import { stateBadge, verdictText } from "../words.js";
import { flow } from "./flow.js";
import { fillPast } from "./past.js";
import { stepDetail } from "./step.js";

const FEW = 14;

/** Fill `panel` and return the function that shows a newer state of the job. */
export function openSteps(panel, _, signal) {
  const chosen = new Map(); // group to whether the user wants it open
  let latest = null;
  function toggle(group, isOpen) {
    chosen.set(group, !isOpen);
    show(...latest);
  }
  function show(job, place) {
    latest = [job, place];
    const selected = job.steps.find((step) => step.path === place.rest.join("/"));
    update(
      panel,
      h("div", { class: "card" }, h("h2", {}, "Workflow"), flow(job)),
      selected && h("div", { class: "card", "data-key": "step" }, stepDetail(job, selected)),
      h("div", { class: "card flush" }, table(job, selected, chosen, toggle)),
    );
    if (selected) fillPast(panel, job, selected, signal);
  }
  return show;
}

function table(job, selected, chosen, toggle) {
  if (job.steps.length === 0) return h("p", { class: "empty" }, "No step has begun.");
  const groups = Map.groupBy(job.steps, (step) => step.path.split("/").slice(0, -1).join("/"));
  const sweeps = new Set((job.workflow.components ?? []).filter(({ type }) => type === "sweep").map(({ name }) => name));
  const last = job.steps.at(-1);
  const bodies = [...groups].map(([group, steps]) => {
    const quiet = job.steps.length > FEW && !steps.includes(last) && steps.every((step) => step.state === "succeeded");
    const isOpen = chosen.get(group) ?? (group === "" || !quiet);
    return h(
      "tbody",
      { "data-key": `group ${group}` },
      group !== "" && heading(group, groupTitle(group, sweeps), steps, isOpen, toggle),
      isOpen && steps.map((step) => row(job, step, step === selected)),
    );
  });
  const titles = ["Step", "State", "What it says", "Module", "Where", "Took"];
  const head = h("thead", {}, h("tr", {}, titles.map((title) => h("th", { scope: "col" }, title))));
  return h("div", { class: "scroll" }, h("table", { class: "steps" }, head, bodies));
}

function heading(group, title, steps, isOpen, toggle) {
  const running = steps.find((step) => step.state === "running");
  const failed = steps.some((step) => step.state === "failed");
  const state = running ? "running" : failed ? "failed" : steps.every((step) => step.state === "succeeded") ? "succeeded" : steps.at(-1).state;
  const button = h(
    "button",
    { type: "button", class: "fold", "aria-expanded": String(isOpen), onclick: () => toggle(group, isOpen) },
    icon("next"),
    title,
  );
  return h(
    "tr",
    { class: "group" },
    h("th", { scope: "rowgroup" }, button),
    h("td", {}, stateBadge(state, true)),
    h("td", { class: "faint", colspan: 4 }, count(steps.length, "step")),
  );
}

/** Return a group's path as people read it: a number in it is a row of a sweep, or an evaluation of a loop. */
function groupTitle(group, sweeps) {
  const parts = group.split("/");
  const told = parts.map((part, index) => {
    if (!/^\d+$/.test(part)) return part;
    return sweeps.has(parts[index - 1]) ? `row ${part}` : `evaluation ${part}`;
  });
  return told.join(" › ");
}

function row(job, step, isSelected) {
  const again = step.attempt > 1 ? h("span", { class: "tag" }, `attempt ${step.attempt}`) : null;
  const reused = step.reused_from ? h("span", { class: "tag" }, "reused") : null;
  const says = step.state === "running" && step.progress !== null ? h("progress", { max: 1, value: step.progress }) : null;
  return h(
    "tr",
    { "data-key": step.id, class: isSelected ? "selected" : null },
    h("td", { class: "main" }, h("a", { href: `#/job/${job.id}/steps/${step.path}` }, step.path.split("/").at(-1))),
    h("td", {}, stateBadge(step.state, true), again, reused),
    h("td", { class: "wide" }, says, h("span", { class: "clip", title: step.message }, step.message || verdictText(step.verdict))),
    h("td", {}, step.module),
    h("td", {}, step.executor),
    h("td", { class: "when" }, elapsed(step.started, step.ended)),
  );
}
