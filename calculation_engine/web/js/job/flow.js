/** The workflow as a picture: boxes in boxes, left to right in the order in which they run. */

import { h, icon } from "../dom.js";
import { count } from "../format.js";

const WORDS = { chain: "one after the other", group: "side by side", loop: "until they agree", sweep: "over a table of values" };

/** Return the picture of a job's workflow, each process with the state of its newest step. */
export function flow(job) {
  const { processes, components = [] } = job.workflow;
  const parts = new Map([...processes, ...components].map((part) => [part.name, part]));
  const inside = new Set(components.flatMap(childrenOf));
  const roots = [...parts.values()].filter((part) => !inside.has(part.name));
  const columns = layers(roots, parts);
  const draw = (name) => (parts.get(name).module ? process(job, parts.get(name)) : component(parts.get(name), draw));
  const drawn = columns.map((names) => h("div", { class: "flow-side" }, names.map(draw)));
  return h("div", { class: "flow scroll", role: "group", "aria-label": `Workflow of ${count(processes.length, "process", "processes")}` }, between(drawn));
}

/** Return the names of what a component orders. */
export function childrenOf(component) {
  const children = component.sequence ?? component.group ?? component.component ?? [];
  return Array.isArray(children) ? children : [children];
}

/** Return the roots' names in columns: each stands right of those whose outputs it reads. */
function layers(roots, parts) {
  const rootOf = new Map();
  const claim = (name, root) => {
    rootOf.set(name, root);
    const part = parts.get(name);
    if (part && !part.module) childrenOf(part).forEach((child) => claim(child, root));
  };
  roots.forEach(({ name }) => claim(name, name));
  const sources = new Map(roots.map(({ name }) => [name, new Set()]));
  for (const part of parts.values()) {
    for (const { process: source } of Object.values(part.pipes ?? {})) {
      const [from, to] = [rootOf.get(source), rootOf.get(part.name)];
      if (from && to && from !== to) sources.get(to).add(from);
    }
  }
  const columns = [];
  const placed = new Set();
  while (placed.size < roots.length) {
    let column = roots.filter(({ name }) => !placed.has(name) && [...sources.get(name)].every((one) => placed.has(one)));
    if (column.length === 0) column = roots.filter(({ name }) => !placed.has(name));
    column.forEach(({ name }) => placed.add(name));
    columns.push(column.map(({ name }) => name));
  }
  return columns;
}

function between(items) {
  return items.flatMap((item, index) => (index === 0 ? [item] : [h("span", { class: "flow-arrow" }, icon("next")), item]));
}

function component(part, draw) {
  const children = childrenOf(part).map(draw);
  const inner = part.type === "group" ? h("div", { class: "flow-side" }, children) : h("div", { class: "flow-row" }, between(children));
  const title = h("p", { class: "flow-title" }, part.type === "loop" && icon("loop"), `${part.name}: `, h("span", {}, WORDS[part.type] ?? part.type));
  return h("div", { class: `flow-box ${part.type}` }, title, inner);
}

function process(job, part) {
  const steps = job.steps.filter((step) => step.process === part.name && step.module === part.module);
  const newest = steps.findLast((step) => step.state === "running") ?? steps.at(-1);
  const state = newest?.state ?? "queued";
  const pipes = Object.entries(part.pipes ?? {}).map(([label, pipe]) => `${label} from ${pipe.process}`);
  const runs = steps.length > 1 ? count(steps.length, "run") : null;
  const text = [part.module !== part.name ? part.module : null, runs, ...pipes].filter(Boolean).join(" · ");
  const content = [icon(state), h("span", { class: "flow-name" }, part.name), h("span", { class: "faint" }, text)];
  const attributes = { class: `flow-process ${state}`, title: `${part.name}: ${state}` };
  if (!newest) return h("span", attributes, content);
  return h("a", { ...attributes, href: `#/job/${job.id}/steps/${newest.path}` }, content);
}
