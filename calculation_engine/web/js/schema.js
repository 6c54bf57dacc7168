/** Reads JSON Schemas, as far as forms and tables need it. */

/** Return the schema that is meant: references followed, `null` left out of alternatives. */
export function resolve(schema, root) {
  let here = schema ?? {};
  for (let i = 0; here.$ref && i < 20; i += 1) {
    const keys = here.$ref.replace(/^#\/?/, "").split("/").filter(Boolean);
    const target = keys.reduce((at, key) => at?.[decodeURIComponent(key).replaceAll("~1", "/").replaceAll("~0", "~")], root) ?? {};
    here = { ...target, ...without(here, "$ref") };
  }
  const options = (here.anyOf ?? here.oneOf ?? []).filter((option) => option.type !== "null");
  if (options.length === 1) return resolve({ ...without(without(here, "anyOf"), "oneOf"), ...options[0] }, root);
  if (Array.isArray(here.type)) {
    const types = here.type.filter((type) => type !== "null");
    if (types.length === 1) return { ...here, type: types[0] };
  }
  return here;
}

/** Return how a value is typed in: choice, yes or no, number, text, fields of its own, or JSON. */
export function kindOf(schema) {
  if (schema.enum) return "choice";
  if (schema.type === "boolean") return "boolean";
  if (schema.type === "number" || schema.type === "integer") return "number";
  if (schema.type === "string") return "text";
  if (schema.type === "object" && Object.keys(schema.properties ?? {}).length > 0) return "fields";
  return "json";
}

/** Return a schema's type and limits in a few words. */
export function typeText(schema) {
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value).replaceAll('"', "")).join(", ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const words = { integer: "whole number", number: "number", string: "text", boolean: "true or false", array: "list", object: "object" };
  const types = [schema.type].flat().filter(Boolean).map((type) => words[type] ?? type);
  return [types.join(" or ") || "any value", limits(schema)].filter(Boolean).join(", ");
}

function limits(schema) {
  const { minimum, maximum, exclusiveMinimum: above, exclusiveMaximum: below } = schema;
  const parts = [
    minimum !== undefined && `from ${minimum}`,
    above !== undefined && `above ${above}`,
    maximum !== undefined && `to ${maximum}`,
    below !== undefined && `below ${below}`,
  ];
  return parts.filter(Boolean).join(" ");
}

function without(object, key) {
  const { [key]: _, ...rest } = object;
  return rest;
}
