/** A form for a module's config, made from its JSON Schema. */

import { h } from "../dom.js";
import { inline } from "../prose.js";
import { kindOf, resolve, typeText } from "../schema.js";

let nextId = 0;

/**
 * Return `{element, read}` for the properties of a schema. `read()` returns the values that were given, and leaves out
 * what was left empty; it throws an error with `faults` where a text cannot be read. `path` stands before their names.
 */
export function configForm(schema, values = {}, path = "config", root = schema) {
  const required = new Set(schema.required ?? []);
  const fields = Object.entries(schema.properties ?? {}).map(([name, inner]) => {
    const own = resolve(inner, root);
    return { name, ...field(name, own, values[name], `${path}.${name}`, required.has(name), root) };
  });
  const known = new Set(fields.map(({ name }) => name));
  const rest = Object.fromEntries(Object.entries(values).filter(([name]) => !known.has(name)));
  const more = schema.additionalProperties === false ? null : other(rest, path, fields.length === 0);
  const element = h("div", { class: "form-grid" }, fields.map(({ element }) => element), more?.element);
  const read = () => {
    const found = {};
    for (const { name, read: value } of fields) {
      const given = value();
      if (given !== undefined) found[name] = given;
    }
    return { ...found, ...more?.read() };
  };
  return { element, read };
}

function field(name, schema, value, path, isRequired, root) {
  const kind = kindOf(schema);
  if (kind === "fields") return nested(name, schema, value, path, root);
  const id = `field-${(nextId += 1)}`;
  const { control, read } = CONTROLS[kind](schema, value, path);
  control.id = id;
  control.setAttribute("aria-describedby", `${id}-about`);
  const element = h(
    "div",
    { class: `field ${kind}`, "data-path": path },
    h("label", { for: id }, name, isRequired && h("span", { class: "must", title: "required" }, " *")),
    control,
    h("p", { class: "about", id: `${id}-about` }, inline(schema.description ?? (kind === "choice" ? "" : typeText(schema)))),
  );
  return { element, read };
}

function nested(name, schema, value, path, root) {
  const inner = configForm(schema, value ?? {}, path, root);
  const about = schema.description && h("p", { class: "about" }, inline(schema.description));
  const element = h("fieldset", { class: "field nested", "data-path": path }, h("legend", {}, name), about, inner.element);
  const read = () => {
    const given = inner.read();
    return Object.keys(given).length > 0 || value !== undefined ? given : undefined;
  };
  return { element, read };
}

function other(rest, path, isAll) {
  const value = Object.keys(rest).length > 0 ? rest : undefined;
  const { element, read } = field(isAll ? "config" : "other fields", { type: "object", description: "As JSON, by name." }, value, path, false, {});
  return { element, read: () => read() ?? {} };
}

function fallback(schema) {
  return schema.default === undefined ? "" : `default: ${JSON.stringify(schema.default).replaceAll('"', "")}`;
}

const CONTROLS = {
  choice(schema, value) {
    const options = schema.enum.map((one) => h("option", { selected: one === value }, String(one)));
    const control = h("select", {}, h("option", { value: "" }, fallback(schema) || "not given"), options);
    return { control, read: () => schema.enum[control.selectedIndex - 1] };
  },
  boolean(schema, value) {
    return CONTROLS.choice({ ...schema, enum: [true, false] }, value);
  },
  number(schema, value, path) {
    const control = h("input", { type: "text", inputmode: "decimal", value: value ?? "", placeholder: fallback(schema) });
    const read = () => {
      const text = control.value.trim();
      if (text === "") return undefined;
      const number = Number(text.replace(",", "."));
      if (!Number.isFinite(number)) throw unreadable(path, `expected a number, got ${text}`);
      return number;
    };
    return { control, read };
  },
  text(schema, value) {
    const control = h("input", { type: "text", value: value ?? "", placeholder: fallback(schema) });
    return { control, read: () => (control.value === "" ? undefined : control.value) };
  },
  json(schema, value, path) {
    const example = schema.examples?.[0];
    const hint = example === undefined ? fallback(schema) : `as ${JSON.stringify(example)}`;
    const text = value === undefined ? "" : JSON.stringify(value, null, 2);
    const rows = Math.min(14, Math.max(2, text.split("\n").length));
    const control = h("textarea", { rows, spellcheck: "false", placeholder: hint || "JSON", value: text });
    const read = () => {
      if (control.value.trim() === "") return undefined;
      try {
        return JSON.parse(control.value);
      } catch (error) {
        throw unreadable(path, `expected JSON: ${error.message}`);
      }
    };
    return { control, read };
  },
};

function unreadable(path, message) {
  return Object.assign(new Error("the form cannot be read"), { faults: [{ path, message }] });
}
