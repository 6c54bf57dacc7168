/** The modules that can be run, and one of them: what it reads, writes, takes and may use. */

import { get } from "../api.js";
import { h, put } from "../dom.js";
import { bytes } from "../format.js";
import { inline, paragraphs, rulesOf } from "../prose.js";
import { resolve, typeText } from "../schema.js";

export async function showModules(root, place, signal) {
  document.title = "Modules";
  const modules = await get(["module"], {}, signal);
  put(
    root,
    h("h1", {}, "Modules"),
    h("p", { class: "lead" }, "A module is a packaged solver: it reads files and writes files. A folder with a manifest adds one."),
    h("div", { class: "cards" }, modules.map(card)),
  );
}

function card(module) {
  const tags = module.capabilities.map((one) => h("span", { class: "tag" }, one));
  const about = module.fault ? h("p", { class: "bad" }, module.fault) : h("p", {}, module.title);
  return h("a", { class: "card pick", href: `#/module/${module.name}` }, h("h2", {}, module.name, h("small", {}, ` ${module.version ?? ""}`)), about, h("p", { class: "tags" }, tags));
}

export async function showModule(root, { parts }, signal) {
  const module = await get(["module", parts[0]], {}, signal);
  document.title = module.name;
  put(
    root,
    h("p", { class: "crumbs" }, h("a", { href: "#/modules" }, "Modules")),
    h(
      "div",
      { class: "row wrap" },
      h("h1", {}, module.name, h("small", {}, ` ${module.version}`)),
      h("span", { class: "grow" }),
      h("a", { class: "button", href: `#/jobs?module=${module.name}` }, "Its jobs"),
      h("a", { class: "button primary", href: `#/new/${module.name}` }, "Run it"),
    ),
    h("p", { class: "lead" }, module.title),
    paragraphs(module.description),
    section("Inputs", [slots(module.inputs, "It takes no input."), rulesOf(module)]),
    section("Config", configTable(module.config_schema)),
    section("Outputs", slots(module.outputs, "It declares no output.")),
    module.scalars.length > 0 && section("Numbers of a result", scalars(module.scalars)),
    section("Limits and origin", facts(module)),
  );
}

function section(title, content) {
  return h("section", { class: "card" }, h("h2", {}, title), content);
}

function table(titles, rows) {
  const head = h("thead", {}, h("tr", {}, titles.map((title) => h("th", { scope: "col" }, title))));
  return h("div", { class: "scroll" }, h("table", {}, head, h("tbody", {}, rows.map((cells) => h("tr", {}, cells.map((cell) => h("td", {}, cell)))))));
}

function slots(all, nothing) {
  if (all.length === 0) return h("p", { class: "faint" }, nothing);
  const rows = all.map((slot) => [
    [h("strong", {}, slot.label), slot.required && h("span", { class: "must", title: "required" }, " *")],
    h("code", {}, slot.path),
    [inline(slot.description), columns(slot.columns)],
  ]);
  return table(["Label", "Place", "What it is"], rows);
}

function columns(all) {
  if (all.length === 0) return null;
  const rows = all.map(({ name, type, unit, description, minimum, maximum }) => {
    const range = [minimum !== null && `from ${minimum}`, maximum !== null && `to ${maximum}`].filter(Boolean).join(" ");
    return [h("code", {}, name), [type, range].filter(Boolean).join(", "), unit === "1" ? "pure number" : unit, description];
  });
  return h("details", {}, h("summary", {}, `${all.length} columns`), table(["Column", "Type", "Unit", "What it is"], rows));
}

function configTable(root, schema = root) {
  const required = new Set(schema.required ?? []);
  const rows = Object.entries(schema.properties ?? {}).map(([name, inner]) => {
    const own = resolve(inner, root);
    const nested = own.type === "object" && own.properties ? configTable(root, own) : null;
    const fallback = own.default === undefined || typeof own.default === "object" ? "" : String(own.default);
    return [[h("strong", {}, name), required.has(name) && h("span", { class: "must" }, " *")], typeText(own), fallback, [inline(own.description), nested]];
  });
  if (rows.length === 0) return h("p", { class: "faint" }, "It takes no config, or any.");
  return table(["Field", "Type", "Default", "What it is"], rows);
}

function scalars(all) {
  return table(["Name", "Unit", "From"], all.map(({ name, unit, output, pointer }) => [name, unit ?? "", h("code", {}, `${output}${pointer}`)]));
}

function facts(module) {
  const { cpu, memory, disk, time_limit: limit, gpu, network } = module.resources;
  const size = (value) => (typeof value === "number" ? bytes(value) : value);
  const seconds = typeof limit === "number" ? `${limit} s` : limit;
  const pairs = [
    ["Processors", cpu],
    ["Memory", size(memory)],
    ["Disk", size(disk)],
    ["Time limit", seconds],
    ["GPU", gpu || "none"],
    ["Network", network ? "yes" : "no"],
    ["Licence", module.licence],
    ["Source", module.source],
    ["Cases", module.cases.join(", ") || "none"],
    ["Content", h("code", { class: "clip" }, module.content_hash)],
  ];
  return h("dl", { class: "facts" }, pairs.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}
