/** A line chart: drawn as SVG at the width that it has, with a legend, and the values under the pointer. */

import { h, svg, update } from "../dom.js";
import { number } from "../format.js";
import { linear, logarithmic, tight } from "./scale.js";

const MARGIN = { top: 12, right: 16, bottom: 40, left: 68 };
const MOST_MARKS = 60;

/**
 * Return a chart.
 *
 * `series`: `{name, points: [[x, y], ...], kind}`, with `kind` one of "" (a line of its own colour), "faded", "final".
 * `x`, `y`: `{label, log}`; points that are not positive are left out of a logarithmic axis.
 * `levels`: horizontal lines, `{value, label}`. `title`: what the chart shows, for who cannot see it.
 */
export function lineChart({ series, x, y, levels = [], title, height = 300 }) {
  const shown = series.map((one) => ({ ...one, points: one.points.filter(([a, b]) => usable(a, b, y.log)) }));
  const drawing = svg("svg", { role: "img", "aria-label": title, class: "chart", height });
  const readout = h("p", { class: "readout", "aria-hidden": "true" });
  const box = h("figure", { class: "chart-box" }, legend(shown), drawing, readout);
  const draw = (width) => {
    if (width < 80) return;
    const axes = makeAxes(shown, levels, x, y, width, height);
    drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
    drawing.replaceChildren(...(axes ? content(shown, levels, x, y, axes, width, height) : [nothing(width, height)]));
    if (axes) follow(drawing, readout, shown, x, y, axes, width);
  };
  new ResizeObserver(([entry]) => draw(Math.round(entry.contentRect.width))).observe(box);
  return box;
}

function usable(a, b, log) {
  return Number.isFinite(a) && Number.isFinite(b) && (!log || b > 0);
}

function makeAxes(series, levels, x, y, width, height) {
  const points = series.flatMap(({ points }) => points);
  if (points.length === 0) return null;
  const ys = [...points.map(([, b]) => b), ...levels.map(({ value }) => value)];
  const [left, right] = bounds(points.map(([a]) => a));
  const [low, high] = bounds(ys);
  const scaled = y.log ? logarithmic : linear;
  return {
    x: tight(left, right, MARGIN.left, width - MARGIN.right, Math.max(2, Math.floor(width / 110))),
    y: scaled(low, high, height - MARGIN.bottom, MARGIN.top),
  };
}

function bounds(values) {
  return values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
}

function content(series, levels, x, y, axes, width, height) {
  const bottom = height - MARGIN.bottom;
  const right = width - MARGIN.right;
  return [
    ...axes.y.ticks.flatMap((tick) => [
      svg("line", { class: "grid", x1: MARGIN.left, x2: right, y1: axes.y.place(tick), y2: axes.y.place(tick) }),
      svg("text", { class: "tick", x: MARGIN.left - 8, y: axes.y.place(tick) + 4, "text-anchor": "end" }, y.log ? power(tick) : number(tick)),
    ]),
    ...axes.x.ticks.map((tick) =>
      svg("text", { class: "tick", x: axes.x.place(tick), y: bottom + 18, "text-anchor": "middle" }, plain(tick)),
    ),
    svg("line", { class: "axis", x1: MARGIN.left, x2: right, y1: bottom, y2: bottom }),
    svg("text", { class: "label", x: (MARGIN.left + right) / 2, y: height - 4, "text-anchor": "middle" }, x.label),
    svg("text", { class: "label", x: -(MARGIN.top + bottom) / 2, y: 12, "text-anchor": "middle", transform: "rotate(-90)" }, y.label),
    ...levels.flatMap(({ value, label }) => [
      svg("line", { class: "level", x1: MARGIN.left, x2: right, y1: axes.y.place(value), y2: axes.y.place(value) }),
      svg("text", { class: "level-label", x: MARGIN.left + 6, y: axes.y.place(value) - 6 }, label),
    ]),
    ...series.map((one, index) => line(one, index, axes)),
  ];
}

function line(one, index, axes) {
  const places = one.points.map(([a, b]) => [axes.x.place(a), axes.y.place(b)]);
  const path = places.map(([a, b], at) => `${at ? "L" : "M"}${a.toFixed(1)} ${b.toFixed(1)}`).join("");
  const marks = places.length <= MOST_MARKS && one.kind !== "faded";
  return svg(
    "g",
    { class: `line ${color(one, index)}`, opacity: one.kind === "faded" ? one.opacity : null },
    svg("path", { d: path }),
    marks && places.map(([a, b]) => svg("circle", { cx: a.toFixed(1), cy: b.toFixed(1), r: places.length > 30 ? 1.5 : 2.5 })),
  );
}

function color(one, index) {
  return one.kind || `c${index % 10}`;
}

function legend(series) {
  const named = series.filter(({ kind }) => kind !== "faded");
  const faded = series.find(({ kind }) => kind === "faded");
  if (series.length < 2 && !faded) return null;
  const entries = named.map((one) => [one.name, color(one, series.indexOf(one))]);
  if (faded) entries.push([faded.legend ?? faded.name, "faded"]);
  return h("ul", { class: "legend" }, entries.map(([name, kind]) => h("li", { class: kind }, name)));
}

function follow(drawing, readout, series, x, y, axes, width) {
  const xs = [...new Set(series.flatMap(({ points }) => points.map(([a]) => a)))].sort((a, b) => a - b);
  const cursor = svg("line", { class: "cursor", y1: MARGIN.top, y2: drawing.viewBox.baseVal.height - MARGIN.bottom });
  drawing.onpointermove = (event) => {
    const box = drawing.getBoundingClientRect();
    const place = ((event.clientX - box.left) / box.width) * width;
    const nearest = xs.reduce((best, at) => (Math.abs(axes.x.place(at) - place) < Math.abs(axes.x.place(best) - place) ? at : best));
    const at = axes.x.place(nearest);
    cursor.setAttribute("x1", at);
    cursor.setAttribute("x2", at);
    drawing.append(cursor);
    update(readout, h("strong", {}, `${x.label} ${plain(nearest)}`), ...values(series, nearest));
  };
  drawing.onpointerleave = () => {
    cursor.remove();
    update(readout);
  };
}

function values(series, at) {
  return series
    .map((one, index) => [one, index, one.points.find(([a]) => a === at)])
    .filter(([one, , point]) => point && one.kind !== "faded")
    .slice(0, 12)
    .map(([one, index, point]) => h("span", { class: color(one, index) }, `${one.name}: ${number(point[1], 5)}`));
}

function plain(value) {
  return Number.isInteger(value) && Math.abs(value) < 1e5 ? String(value) : number(value);
}

function power(value) {
  const exponent = Math.round(Math.log10(value));
  const digits = String(Math.abs(exponent)).replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]);
  return exponent >= -2 && exponent <= 3 ? String(Number(value.toPrecision(1))) : `10${exponent < 0 ? "⁻" : ""}${digits}`;
}

function nothing(width, height) {
  return svg("text", { class: "tick", x: width / 2, y: height / 2, "text-anchor": "middle" }, "nothing to draw");
}
