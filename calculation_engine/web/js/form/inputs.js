/** The inputs of a module: files and folders by drag and drop or by choice, a text that is typed in, or what was given before. */

import { upload } from "../api.js";
import { h, icon, update } from "../dom.js";
import { bytes, count } from "../format.js";
import { rulesOf } from "../prose.js";
import { filesOfDrop, filesOfPicker } from "./files.js";
import { zip } from "./zip.js";

/**
 * Return `{element, read}` for a module's inputs, with how they go together above them. `before` holds what an earlier job was given, by label.
 * `read()` sends the files that were not sent yet, and returns the job's `inputs`.
 */
export function inputsForm(module, before = {}) {
  const fields = module.inputs.map((slot) => ({ label: slot.label, ...inputField(slot, before[slot.label]) }));
  const grid = h("div", { class: "form-grid inputs" }, fields.map(({ element }) => element));
  const element = h("div", {}, h("div", { "data-path": "inputs" }, rulesOf(module)), grid);
  const read = async () => {
    const inputs = {};
    for (const { label, read: given } of fields) {
      const one = await given();
      if (one) inputs[label] = one;
    }
    return inputs;
  };
  return { element, read };
}

function inputField(slot, before) {
  let given = before ? { kept: before } : null; // {kept} | {files: [[path, File]]} | {text}
  let sent = null; // what the server has of `given` already
  const isFolder = slot.kind !== "file";
  const picker = h("input", { type: "file", class: "unseen", tabindex: -1, "aria-hidden": "true", webkitdirectory: isFolder, onchange: () => take(filesOfPicker(picker)) });
  const body = h("div", { class: "drop-body" });
  const drop = h("div", { class: "drop", ondragover: over, ondragleave: away, ondrop: dropped }, picker, body);

  function set(value) {
    given = value;
    sent = null;
    render();
  }
  function take(files) {
    if (files.length > 0) set({ files });
  }
  function over(event) {
    event.preventDefault();
    drop.classList.add("over");
  }
  function away() {
    drop.classList.remove("over");
  }
  async function dropped(event) {
    event.preventDefault();
    away();
    take(await filesOfDrop(event.dataTransfer));
  }
  function render() {
    const clear = h("button", { type: "button", class: "quiet", onclick: () => set(null) }, "Take away");
    if (given?.text !== undefined) {
      const area = h("textarea", { rows: 6, spellcheck: "false", "aria-label": `${slot.label} as text`, value: given.text, oninput: () => ((given.text = area.value), (sent = null)) });
      body.replaceChildren(area, clear);
    } else if (given) update(body, h("p", { class: "row" }, icon(isFolder ? "folder" : "file"), h("span", { class: "grow" }, describe(given)), clear));
    else {
      const choose = h("button", { type: "button", onclick: () => picker.click() }, isFolder ? "Choose a folder" : "Choose a file");
      const type = !isFolder && h("button", { type: "button", class: "quiet", onclick: () => set({ text: "" }) }, "Type it");
      update(body, h("p", { class: "row wrap" }, choose, type, h("span", { class: "faint" }, "or drop it here")));
    }
  }
  async function read() {
    if (!given) return null;
    if (given.kept) return given.kept;
    if (given.text !== undefined) return given.text === "" ? null : { type: "inline", text: given.text };
    sent ??= await store(slot, given.files);
    return { type: "upload", uuid: sent.uuid };
  }
  render();
  const title = h("p", { class: "title" }, h("strong", {}, slot.label), slot.required && h("span", { class: "must", title: "required" }, " *"), " ", h("span", { class: "faint" }, isFolder ? "folder" : slot.path));
  const element = h("div", { class: "field input", "data-path": `inputs.${slot.label}`, role: "group", "aria-label": slot.label }, title, slot.description && h("p", { class: "about" }, slot.description), columns(slot), drop);
  return { element, read };
}

async function store(slot, files) {
  const [[path, file]] = files;
  if (files.length === 1 && (slot.kind === "file" || /\.zip$/i.test(file.name))) return upload(file, path.split("/").at(-1));
  return upload(await zip(files), `${slot.label}.zip`);
}

function describe({ kept, files }) {
  if (kept) return kept.type === "inline" ? "the text of the earlier job" : "the file of the earlier job";
  const size = bytes(files.reduce((sum, [, file]) => sum + file.size, 0));
  return files.length === 1 ? `${files[0][0]}, ${size}` : `${count(files.length, "file")}, ${size}`;
}

function columns({ columns: all }) {
  if (!all?.length) return null;
  const text = all.map(({ name, unit }) => (unit ? `${name} [${unit}]` : name)).join(", ");
  return h("p", { class: "about" }, `Columns: ${text}`);
}
