/** A CSV file as a table with pages, and as a chart of a column that is chosen. */

import { h, update } from "../dom.js";
import { bytes, count } from "../format.js";
import { lineChart } from "../chart/line.js";
import { act } from "../problem.js";
import { CsvFile } from "./csv.js";
import { describe, largest, linesOf, suggest } from "./columns.js";

const PAGE = 25;
const CHART_BYTES = 8 << 20;
const MOST_LINES = 10;

/** Show the file at `url` in `place`. */
export async function showTable(place, url, size, signal) {
  const file = new CsvFile(url, size);
  await file.fill(PAGE + 1, signal);
  if (file.header.length === 0) {
    place.append(h("p", { class: "empty" }, "The table is empty."));
    return;
  }
  const chart = h("div", {});
  const table = h("div", {});
  place.append(chart, table);
  let first = 0; // row of the page that is shown; it may be turned while the rest is read
  const turn = (to) => showPage(table, file, (first = to), signal, turn);
  await turn(0);
  await file.fill(Infinity, signal, CHART_BYTES);
  await turn(first); // the number of rows is known now
  showChart(chart, file);
}

async function showPage(place, file, first, signal, show) {
  await file.fill(first + PAGE + 1, signal);
  const columns = describe(file.header, file.rows);
  const rows = file.rows.slice(first, first + PAGE);
  const turn = (to) => (event) => act(event.currentTarget, () => show(to));
  const head = columns.map(({ name, numeric }) => h("th", { scope: "col", class: numeric ? "right" : null }, name));
  const cells = (row) => columns.map(({ numeric, index }) => h("td", { class: numeric ? "right" : null }, row[index] ?? ""));
  const all = `${file.isWhole ? "" : "more than "}${count(file.rows.length, "row")}`;
  update(
    place,
    h("div", { class: "scroll" }, h("table", { class: "values" }, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows.map((row) => h("tr", {}, cells(row)))))),
    h(
      "div",
      { class: "pager" },
      h("button", { type: "button", class: "quiet", disabled: first === 0, onclick: turn(Math.max(0, first - PAGE)) }, "Before"),
      h("span", { class: "faint" }, rows.length ? `${first + 1} to ${first + rows.length} of ${all}` : all),
      h("button", { type: "button", class: "quiet", disabled: first + PAGE >= file.rows.length, onclick: turn(first + PAGE) }, "After"),
    ),
  );
}

function showChart(place, file) {
  const columns = describe(file.header, file.rows);
  const choice = suggest(columns);
  if (!choice) return;
  const filters = new Map(); // column to the one value that is drawn
  const draw = () => {
    const rows = file.rows.filter((row) => [...filters].every(([column, value]) => row[column.index] === value));
    const { lines, left } = largest(linesOf(rows, choice), MOST_LINES);
    const title = `${choice.y.name} over ${choice.x.name}`;
    const chart = lineChart({ series: lines, x: { label: choice.x.name }, y: { label: choice.y.name }, title });
    const notes = [
      left > 0 && `The ${lines.length} largest of ${lines.length + left} lines are drawn; choose a value above to see others.`,
      !file.isWhole && `Drawn from the first ${bytes(file.read)} of the file.`,
    ];
    update(controls, ...picks());
    body.replaceChildren(chart, h("p", { class: "faint" }, notes.filter(Boolean).join(" ")));
  };
  const picks = () => [
    pick("Value", columns.filter((c) => c.numeric && c !== choice.x), choice.y, (column) => (choice.y = column)),
    pick("Over", columns.filter((c) => c.numeric && c !== choice.y), choice.x, (column) => (choice.x = column)),
    ...choice.by.map((column) => filter(column)),
  ];
  const pick = (label, options, selected, choose) => {
    const set = (event) => (choose(options[event.target.selectedIndex]), draw());
    const items = options.map((column) => h("option", { selected: column === selected }, column.name));
    return h("label", { class: "field inline" }, h("span", {}, label), h("select", { onchange: set }, items));
  };
  const filter = (column) => {
    const values = [...new Set(file.rows.map((row) => row[column.index]))];
    if (values.length < 2 || values.length > 500) return null;
    const set = (event) => {
      if (event.target.selectedIndex === 0) filters.delete(column);
      else filters.set(column, values[event.target.selectedIndex - 1]);
      draw();
    };
    const items = values.map((value) => h("option", { selected: filters.get(column) === value }, value));
    return h("label", { class: "field inline" }, h("span", {}, column.name), h("select", { onchange: set }, h("option", {}, "all"), items));
  };
  const controls = h("div", { class: "row wrap controls" });
  const body = h("div", {});
  place.replaceChildren(controls, body);
  draw();
}
