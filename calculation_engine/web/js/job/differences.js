/** What differs between two jobs: settings, versions, inputs, and the results by their numbers. */

import { h } from "../dom.js";
import { count, duration, number, shortId } from "../format.js";
import { stateBadge, verdictText } from "../words.js";
import { changeList, value } from "./changes.js";

const COUNTED = { same: "the same", close: "the same within what is allowed", differs: "different", only_a: "vanished", only_b: "new" };

/** Return a comparison as the API tells it, as elements. */
export function differences(diff) {
  const { settings, versions, inputs, results, counts } = diff;
  return [
    headline(diff),
    part("Settings", settings.length + diff.settings_more, settings.length > 0 && settingsTable(settings, diff.settings_more)),
    part("Versions", versions.length, versions.length > 0 && versionsTable(versions)),
    part("Inputs", inputs.length + diff.inputs_more, inputs.length > 0 && inputsTable(inputs, diff.inputs_more)),
    stepsPart(diff),
    resultsPart(diff, results, counts),
  ].filter(Boolean);
}

function headline(diff) {
  const side = (name, job) => h("p", {}, h("strong", {}, `${name} `), h("a", { href: `#/job/${job.id}` }, job.name || shortId(job.id)), " ", h("span", { class: "faint id" }, shortId(job.id)), " ", stateBadge(job.state, true));
  const told = diff.same ? "The two jobs are the same" : "The two jobs differ";
  return h("section", { class: `card verdict ${diff.same ? "good" : ""}` }, h("h2", {}, told), h("p", {}, `${sentence(diff.sentence)}.`), side("A", diff.a), side("B", diff.b));
}

function part(title, size, content) {
  if (size === 0) return null;
  return h("section", { class: "card" }, h("h2", {}, title, " ", h("small", {}, count(size, "difference"))), content);
}

function table(titles, rows, more = 0) {
  const head = h("thead", {}, h("tr", {}, titles.map((title) => h("th", { scope: "col" }, title))));
  const rest = more > 0 ? h("p", { class: "faint" }, `and ${more} more`) : null;
  return [h("div", { class: "scroll" }, h("table", { class: "compared" }, head, h("tbody", {}, rows.map((cells) => h("tr", {}, cells.map((cell) => h("td", {}, cell))))))), rest];
}

function settingsTable(settings, more) {
  const side = (change, absent, given) => (change === absent ? h("span", { class: "faint" }, "not given") : value(given));
  return table(["Setting", "A", "B"], settings.map(({ path, change, a, b }) => [h("code", {}, path), side(change, "added", a), side(change, "removed", b)]), more);
}

function versionsTable(versions) {
  const rows = versions.map(({ step, what, a, b, files }) => [step, what, value(a ?? "none"), [value(b ?? "none"), files.length > 0 && changeList(files)]]);
  return table(["Step", "What", "A", "B"], rows);
}

function inputsTable(inputs, more) {
  const side = (blob) => (blob ? [value(blob.sha256), h("span", { class: "faint" }, ` ${blob.size.toLocaleString("en")} bytes`)] : h("span", { class: "faint" }, "none"));
  return table(["Step", "File", "A", "B"], inputs.map(({ step, path, a, b }) => [step, h("code", {}, path), side(a), side(b)]), more);
}

function resultsPart(diff, results, counts) {
  const all = Object.values(counts).reduce((sum, one) => sum + one, 0);
  if (all === 0) return null;
  const told = Object.entries(counts).filter(([, many]) => many > 0).map(([state, many]) => `${many} ${COUNTED[state]}`);
  const [near, far] = [results.filter(({ state }) => state === "close"), results.filter(({ state }) => state !== "close")];
  return h(
    "section",
    { class: "card" },
    h("h2", {}, "Results ", h("small", {}, `of ${count(all, "file")}: ${told.join(", ")}`)),
    far.length > 0 && filesTable(diff, far, diff.results_more),
    near.length > 0 && h("details", {}, h("summary", {}, `${count(near.length, "file")} with numbers that are the same within what is allowed`), filesTable(diff, near)),
  );
}

function filesTable(diff, files, more = 0) {
  return table(["File", "What differs", "Largest relative difference", "Largest absolute difference"], files.flatMap((file) => fileRows(diff, file)), more);
}

function fileLink(diff, file) {
  const job = file.state === "only_b" ? diff.b : diff.a;
  const parts = file.path.split("/");
  const href = `#/job/${job.id}/results/${parts.map(encodeURIComponent).join("/")}`;
  return [h("a", { href }, parts.at(-1)), h("div", { class: "faint" }, parts.slice(0, -1).join("/"))];
}

/** The rows that tell of a file: one for each column of a table that differs, else one with the sentence. */
function fileRows(diff, file) {
  const columns = (file.table?.columns ?? []).filter(({ largest_absolute: far, differing }) => far || differing);
  const link = fileLink(diff, file);
  if (file.state.startsWith("only")) return [[link, `It is in ${file.state === "only_a" ? "A" : "B"} alone.`, "", ""]];
  if (columns.length === 0) return [[link, sentence(file.sentence), "", ""]];
  const { only_a: gone, only_b: come, columns_only_a: goneColumns, columns_only_b: comeColumns } = file.table;
  const rest = [
    gone > 0 && `${count(gone, "row")} in A alone`,
    come > 0 && `${count(come, "row")} in B alone`,
    goneColumns.length > 0 && `in A alone: ${goneColumns.join(", ")}`,
    comeColumns.length > 0 && `in B alone: ${comeColumns.join(", ")}`,
  ].filter(Boolean);
  return columns.map((column, index) => [index === 0 ? link : "", [what(column), index === 0 && rest.map((text) => h("div", {}, text))], far(column.largest_relative), far(column.largest_absolute)]);
}

function what({ column, compared, differing, largest_absolute: absolute, example }) {
  const many = [h("code", {}, column), ` in ${differing} of ${count(compared, "row")}`];
  return absolute || !example ? many : [many, `, as ${at(example)}: `, value(String(example.a)), " → ", value(String(example.b))];
}

function far(place) {
  if (!place) return "";
  return [h("strong", {}, number(place.difference, 3)), `: ${number(place.a, 6)} → ${number(place.b, 6)}`, h("div", { class: "faint" }, at(place))];
}

function at({ row }) {
  return `at ${Object.entries(row).map(([key, text]) => `${key} ${text}`).join(", ")}`;
}

function stepsPart(diff) {
  const side = (step) => (step ? [stateBadge(step.state, true), " ", step.reused ? "reused" : duration(step.seconds), step.verdict && h("p", { class: "faint" }, verdictText(step.verdict))] : h("span", { class: "faint" }, "not there"));
  const rows = diff.steps.map(({ a, b }) => [a && b && a.path !== b.path ? `${a.path} and ${b.path}` : (a ?? b).path, side(a), side(b)]);
  if (rows.length === 0) return null;
  return h("section", { class: "card" }, h("h2", {}, "Steps"), table(["Step", "A", "B"], rows, diff.steps_more));
}

function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
