/** The form of a job of one module. */

import { change } from "../api.js";
import { h, put } from "../dom.js";
import { shortId } from "../format.js";
import { configForm } from "./config.js";
import { paragraphs } from "../prose.js";
import { clearFaults, showFaults } from "./faults.js";
import { inputsForm } from "./inputs.js";

const LIMITS = [
  ["cpu", "Processors", "2"],
  ["memory", "Memory", "8GiB"],
  ["time_limit", "Time limit", "2h"],
];

/** Show the form; `given` holds what an earlier job was made of. */
export function moduleForm(root, module, given) {
  const inputs = inputsForm(module, given.inputs);
  const config = configForm(module.config_schema, given.config);
  const about = aboutForm(given, module.resources);
  const problem = h("div", {});
  const button = h("button", { class: "primary", type: "submit" }, "Run");
  const form = h("form", { novalidate: true, onsubmit: submit });
  const title = given.from ? `Run ${module.name} again, with changes` : `Run ${module.name}`;
  form.append(
    problem,
    section("Inputs", module.inputs.length ? inputs.element : h("p", { class: "faint" }, "This module takes no input.")),
    section("Config", config.element),
    section("Job", about.element),
    h("div", { class: "row submit" }, button, h("span", { class: "faint" }, "It is stored before the reply; closing this page does not end it.")),
  );
  put(
    root,
    h("h1", {}, title),
    given.from && h("p", { class: "faint" }, "From job ", h("a", { href: `#/job/${given.from}` }, shortId(given.from)), "."),
    h("p", { class: "lead" }, module.title),
    h("details", { class: "lead" }, h("summary", {}, "What it does"), paragraphs(module.description)),
    form,
  );

  async function submit(event) {
    event.preventDefault();
    clearFaults(form, problem);
    button.disabled = true;
    button.textContent = "Sending …";
    try {
      const { job, process } = about.read();
      const body = { ...job, module: module.name, config: config.read(), inputs: await inputs.read(), ...process };
      const stored = await change("PUT", ["job"], body);
      location.hash = `#/job/${stored.id}`;
    } catch (error) {
      if (error.name !== "AbortError") showFaults(form, problem, error);
    } finally {
      button.disabled = false;
      button.textContent = "Run";
    }
  }
}

function section(title, ...content) {
  return h("section", { class: "card" }, h("h2", {}, title), content);
}

function aboutForm(given, resources) {
  const field = (path, label, about, control) => h("label", { class: "field", "data-path": path }, h("span", { class: "label" }, label), control, about && h("p", { class: "about" }, about));
  const input = (value, placeholder = "") => h("input", { type: "text", value: value ?? "", placeholder });
  const name = input(given.name, "for finding it again");
  const tags = input(Object.entries(given.tags ?? {}).map(([key, value]) => `${key}:${value}`).join(", "), "country:Utopia, scenario:A");
  const place = input(given.executor, "the engine's default");
  const limits = LIMITS.map(([key, label, example]) => [key, label, input(given.resources?.[key], `${resources?.[key] ?? example}`)]);
  const element = h(
    "div",
    { class: "form-grid" },
    field("name", "Name", null, name),
    field("tags", "Tags", "key:value, separated by commas", tags),
    field("executor", "Where it runs", "local: a process of the server; docker: a container", place),
    limits.map(([key, label, control]) => field(`resources.${key}`, label, null, control)),
  );
  const read = () => {
    const job = { name: name.value.trim(), tags: readTags(tags.value) };
    const chosen = limits.map(([key, , control]) => [key, control.value.trim()]).filter(([, text]) => text);
    const numbers = chosen.map(([key, text]) => [key, key === "cpu" && text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text]);
    const process = { resources: Object.fromEntries(numbers) };
    if (place.value.trim()) process.executor = place.value.trim();
    return { job, process };
  };
  return { element, read };
}

function readTags(text) {
  const pairs = text.split(",").map((one) => one.trim()).filter(Boolean).map((one) => one.split(/:(.*)/s, 2).map((part) => part?.trim() ?? ""));
  return Object.fromEntries(pairs);
}
