/** The exchange variables settling: what the models answered at each evaluation. */

import { address, get } from "../api.js";
import { h } from "../dom.js";
import { lineChart } from "../chart/line.js";
import { CsvFile } from "../result/csv.js";

const MOST_BYTES = 4 << 20;
const MOST_LINES = 10;

/** Fill `place`, and return the function that shows a newer state of the loop. */
export function openExchange(place, loop, signal) {
  const tables = new Map(); // evaluation to its rows
  let chosen = "";
  let latest = null;
  async function show(job, newer) {
    latest = newer;
    await load(job, newer);
    draw();
  }
  async function load(job, { component }) {
    const files = await get(["job", job.id, "results"], {}, signal);
    const wanted = new RegExp(`^${escape(component)}/(\\d+)/[^/]+/output/exchange\\.csv$`);
    for (const file of files) {
      const evaluation = Number(wanted.exec(file.path)?.[1] ?? NaN);
      if (Number.isNaN(evaluation) || tables.has(evaluation)) continue;
      const table = new CsvFile(address(["job", job.id, "results", file.path]), file.size);
      await table.fill(Infinity, signal, MOST_BYTES);
      tables.set(evaluation, records(table));
    }
  }
  function draw() {
    const rows = [...tables].sort(([a], [b]) => a - b).flatMap(([evaluation, own]) => own.map((row) => ({ ...row, evaluation })));
    if (rows.length === 0) {
      place.replaceChildren(h("h2", {}, "Exchange variables"), h("p", { class: "faint" }, "They appear here after the first evaluation."));
      return;
    }
    const names = [...new Set(rows.map(title))];
    if (!names.includes(chosen)) [chosen] = names;
    const select = h("select", { onchange: () => ((chosen = select.value), draw()) }, names.map((name) => h("option", { selected: name === chosen }, name)));
    const picked = rows.filter((row) => title(row) === chosen);
    place.replaceChildren(
      h("div", { class: "row wrap" }, h("h2", {}, "Exchange variables settling"), h("span", { class: "grow" }), names.length > 1 && h("label", { class: "field inline" }, h("span", {}, "Variable"), select)),
      chart(picked, chosen, latest),
    );
  }
  return (job, newer) => show(job, newer).catch((error) => signal.aborted || place.replaceChildren(h("p", { class: "faint" }, error.message)));
}

function records(table) {
  const at = Object.fromEntries(table.header.map((name, index) => [name, index]));
  return table.rows.map((row) => ({
    variable: row[at.variable] ?? "",
    index: row[at.index] ?? "",
    value: Number(row[at.value]),
    unit: row[at.unit] ?? "",
    group: row[at.group] ?? "",
  }));
}

function title({ group, variable }) {
  return [group, variable].filter(Boolean).join(" ");
}

/** Over years, one line for each evaluation, the last one strong; else one line for each variable over evaluations. */
function chart(rows, name, loop) {
  const { unit } = rows[0];
  const label = unit && unit !== "1" ? `${name} [${unit}]` : name;
  const overIndex = rows.every((row) => row.index !== "" && Number.isFinite(Number(row.index))) && new Set(rows.map((row) => row.index)).size > 1;
  if (!overIndex) {
    const lines = [...Map.groupBy(rows, (row) => row.index)].slice(0, MOST_LINES);
    const series = lines.map(([index, own]) => ({ name: index || name, points: own.map((row) => [row.evaluation, row.value]) }));
    return lineChart({ series, x: { label: "evaluation" }, y: { label }, title: `${name} by evaluation` });
  }
  const evaluations = [...Map.groupBy(rows, (row) => row.evaluation)];
  const strong = loop.solution && evaluations.some(([evaluation]) => evaluation === loop.solution) ? loop.solution : evaluations.at(-1)[0];
  const series = evaluations.map(([evaluation, own], order) => ({
    name: `evaluation ${evaluation}`,
    legend: "other evaluations, later ones darker",
    kind: evaluation === strong ? "final" : "faded",
    opacity: 0.3 + (0.6 * (order + 1)) / evaluations.length,
    points: own.map((row) => [Number(row.index), row.value]),
  }));
  return lineChart({ series, x: { label: "year or index" }, y: { label }, title: `${name} at each evaluation` });
}

function escape(text) {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
