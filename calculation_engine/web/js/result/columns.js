/** What the columns of a table are good for: an axis, a value, or a name of a line. */

const AXES = ["year", "period", "evaluation", "iteration", "time", "t", "index", "age"];
const VALUES = ["value", "values", "y"];
const SAMPLE = 500;

/** Return for each column its name, and whether it holds numbers. */
export function describe(header, rows) {
  const sample = rows.slice(0, SAMPLE);
  return header.map((name, index) => {
    const given = sample.map((row) => row[index] ?? "").filter((text) => text !== "");
    const numeric = given.length > 0 && given.every((text) => text.trim() !== "" && Number.isFinite(Number(text)));
    return { name, index, numeric };
  });
}

/** Return a first choice of axis, values and lines, or null where there is nothing to draw. */
export function suggest(columns) {
  const numeric = columns.filter((column) => column.numeric);
  const x = find(numeric, AXES);
  const y = find(numeric.filter((column) => column !== x), VALUES) ?? numeric.find((column) => column !== x);
  if (!x || !y) return null;
  return { x, y, by: columns.filter((column) => !column.numeric) };
}

function find(columns, names) {
  for (const name of names) {
    const found = columns.find((column) => column.name.toLowerCase() === name);
    if (found) return found;
  }
  return null;
}

/** Return the lines that the rows make: one for each combination of values in the columns `by`. */
export function linesOf(rows, { x, y, by }) {
  const varying = by.filter((column) => new Set(rows.map((row) => row[column.index])).size > 1);
  const lines = Map.groupBy(rows, (row) => varying.map((column) => row[column.index]).join(" · "));
  return [...lines].map(([name, own]) => {
    const points = own.filter((row) => row[y.index] !== "").map((row) => [Number(row[x.index]), Number(row[y.index])]);
    return { name: name || y.name, points: points.sort(([a], [b]) => a - b) };
  });
}

/** Return the `most` lines with the largest values, in their order, and how many are left out. */
export function largest(lines, most) {
  const size = (line) => line.points.reduce((best, [, b]) => Math.max(best, Math.abs(b) || 0), 0);
  const ranked = [...lines].sort((a, b) => size(b) - size(a));
  const kept = new Set(ranked.slice(0, most));
  return { lines: lines.filter((line) => kept.has(line)), left: lines.length - kept.size };
}
