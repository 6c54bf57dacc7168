/** A job from its document, YAML or JSON, with the files that it names. */

import { address, send } from "../api.js";
import { h, icon, put, update } from "../dom.js";
import { bytes } from "../format.js";
import { note } from "../problem.js";
import { clearFaults, showFaults } from "./faults.js";
import { filesOfDrop, filesOfPicker } from "./files.js";

const DOCUMENT = /\.(ya?ml|json)$/i;
const MOST_DOCUMENT = 4 << 20;
const EXAMPLE = `name: two in a row
processes:
- name: first
  module: cbc
  config: {model: osemosys}
  inputs:
    data: {type: part, name: data.txt}    # a file that is added below
`;

/** Show the form with a document to begin with. */
export function documentForm(root, text, title = "Run a workflow") {
  const files = new Map(); // name of the part to the file
  const area = h("textarea", { id: "document", class: "code", rows: 22, spellcheck: "false", value: text, placeholder: EXAMPLE });
  const picker = h("input", { type: "file", multiple: true, class: "unseen", tabindex: -1, "aria-hidden": "true", onchange: () => take(filesOfPicker(picker)) });
  const listing = h("div", {});
  const problem = h("div", {});
  const button = h("button", { class: "primary", type: "submit" }, "Run");
  const checker = h("button", { type: "button", title: "All that is wrong with it, without running it", onclick: check }, "Check");
  const drop = { ondragover: (event) => event.preventDefault(), ondrop: dropped };
  const form = h(
    "form",
    { novalidate: true, onsubmit: submit, ...drop },
    problem,
    h("section", { class: "card" }, h("label", { for: "document" }, h("h2", {}, "Document")), area),
    h(
      "section",
      { class: "card" },
      h("h2", {}, "Files"),
      h("p", { class: "about" }, "Drop files anywhere here. A YAML or JSON file becomes the document while that is empty; any other is sent along, and an input names it as ", h("code", {}, "{type: part, name: data.txt}"), "."),
      listing,
      picker,
      h("button", { type: "button", onclick: () => picker.click() }, "Choose files"),
    ),
    h("div", { class: "row submit" }, button, checker, h("a", { class: "button quiet", href: "api/docs#schemas" }, "What a document may hold")),
  );
  put(root, h("h1", {}, title), form);
  list();

  async function take(given) {
    for (const [path, file] of given) {
      const isDocument = area.value.trim() === "" && DOCUMENT.test(file.name) && file.size < MOST_DOCUMENT;
      if (isDocument) area.value = await file.text();
      else files.set(path, file);
    }
    list();
  }
  async function dropped(event) {
    event.preventDefault();
    take(await filesOfDrop(event.dataTransfer));
  }
  function list() {
    const rows = [...files].map(([name, file]) => {
      const remove = h("button", { type: "button", class: "quiet", onclick: () => (files.delete(name), list()) }, "Take away");
      return h("li", { class: "row" }, icon("file"), h("code", {}, name), h("span", { class: "faint grow" }, bytes(file.size)), remove);
    });
    update(listing, h("ul", { class: "plain" }, rows));
  }
  async function check() {
    clearFaults(form, problem);
    checker.disabled = true;
    try {
      const headers = { "Content-Type": typeOf(area.value) };
      const { faults } = await (await send(address(["workflow", "check"]), { method: "POST", body: area.value, headers })).json();
      if (faults.length === 0) note("It can run. The contents of files are looked at when it is run.");
      else showFaults(form, problem, { message: "the job cannot run as it is", faults });
    } catch (error) {
      if (error.name !== "AbortError") showFaults(form, problem, error);
    } finally {
      checker.disabled = false;
    }
  }
  async function submit(event) {
    event.preventDefault();
    clearFaults(form, problem);
    button.disabled = true;
    try {
      const stored = await (await send(address(["job"]), { method: "PUT", ...body(area.value, files) })).json();
      location.hash = `#/job/${stored.id}`;
    } catch (error) {
      if (error.name !== "AbortError") showFaults(form, problem, error);
    } finally {
      button.disabled = false;
    }
  }
}

function typeOf(text) {
  return text.trimStart().startsWith("{") ? "application/json" : "application/yaml";
}

function body(text, files) {
  const type = typeOf(text);
  if (files.size === 0) return { body: text, headers: { "Content-Type": type } };
  const form = new FormData();
  form.append("job", new Blob([text], { type }));
  for (const [name, file] of files) form.append(name, file, name.split("/").at(-1));
  return { body: form };
}
