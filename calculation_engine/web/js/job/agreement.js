/** How a loop's models come to agree: residual by evaluation, the worst variable, what is expected, the final word. */

import { h } from "../dom.js";
import { number } from "../format.js";
import { lineChart } from "../chart/line.js";
import { verdictPhrase } from "../words.js";
import { openExchange } from "./exchange.js";

export function openAgreement(panel, job, signal) {
  const loops = new Map(); // a loop's component to the parts of the page that show it
  return (newer) => {
    job = newer;
    for (const loop of job.loops) {
      if (!loops.has(loop.component)) {
        const [rounds, exchange] = [h("div", {}), h("div", { class: "card" })];
        panel.append(rounds, exchange);
        loops.set(loop.component, { rounds, exchange: openExchange(exchange, loop, signal), seen: -1 });
      }
      const part = loops.get(loop.component);
      const stands = `${loop.evaluations} ${loop.verdict}`;
      if (part.seen === stands) continue;
      part.seen = stands;
      part.rounds.replaceChildren(...roundsOf(job, loop));
      part.exchange(job, loop);
    }
  };
}

function roundsOf(job, loop) {
  const last = loop.history.at(-1);
  const kind = loop.verdict && loop.verdict !== "one_way" ? (loop.verdict.startsWith("converged") ? "good" : "bad") : "";
  const headline = h(
    "div",
    { class: `card verdict ${kind}` },
    h("h2", {}, verdictPhrase(loop.verdict), h("small", {}, ` ${loop.component}, ${loop.evaluations} evaluations`)),
    h("p", {}, last ? sentence(last.sentence) : "The baseline is being computed; the first evaluation comes after it."),
    last?.feedback_meaning && h("p", { class: "faint" }, sentence(last.feedback_meaning)),
    (last?.cautions ?? []).map((caution) => h("p", { class: "tag warn" }, caution.replaceAll("_", " "))),
    expected(loop, last),
  );
  if (loop.history.length === 0) return [headline];
  return [headline, h("div", { class: "card" }, h("h2", {}, "Residual"), residualChart(job, loop)), h("div", { class: "card flush" }, table(loop))];
}

function expected(loop, last) {
  if (loop.verdict || !last?.expected) return null;
  const [middle, low, high] = last.expected.map((value) => (value === null ? "many" : Math.ceil(value)));
  const range = low === high ? `${middle}` : `${middle} (${low} to ${high})`;
  return h("p", {}, h("strong", {}, range), " more evaluations are expected.");
}

function residualChart(job, loop) {
  const component = job.workflow.components.find(({ name }) => name === loop.component);
  const until = component?.until ?? {};
  const isPlain = !until.absolute && Object.keys(until.groups ?? {}).length === 0 && until.relative;
  const field = isPlain ? "relative_residual" : "residual";
  const groups = [...new Set(loop.history.flatMap((report) => Object.keys(report[field])))];
  const series = groups.map((group) => ({
    name: group || "exchange variables",
    points: loop.history.filter((report) => report[field][group] !== undefined).map((report) => [report.evaluation, report[field][group]]),
  }));
  const level = isPlain ? { value: until.relative, label: `tolerance ${number(until.relative)}` } : { value: 1, label: "tolerance" };
  return lineChart({
    series,
    x: { label: "evaluation" },
    y: { label: isPlain ? "largest relative change" : "largest change, in tolerances", log: true },
    levels: [level],
    title: "Residual of each evaluation on a logarithmic axis, with the tolerance",
    height: 280,
  });
}

function table(loop) {
  const titles = ["Evaluation", "Largest change", "Farthest apart", "Asked", "Answered", "Contraction", "Still expected"];
  const head = titles.map((title, index) => h("th", { scope: "col", class: index === 2 ? null : "right" }, title));
  return h("div", { class: "scroll" }, h("table", { class: "values" }, h("thead", {}, h("tr", {}, head)), h("tbody", {}, loop.history.map(row))));
}

function row(report) {
  const cell = (text) => h("td", { class: "right" }, text);
  if (report.failure) return h("tr", {}, cell(report.evaluation), h("td", { colspan: 6, class: "bad" }, report.failure));
  const worst = report.worst ?? {};
  const [middle] = report.expected ?? [null];
  return h(
    "tr",
    { title: report.sentence },
    cell(report.evaluation),
    cell(number(worst.residual, 2)),
    h("td", {}, worst.name),
    cell(`${number(worst.x, 6)} ${worst.unit === "1" ? "" : (worst.unit ?? "")}`),
    cell(number(worst.g, 6)),
    cell(number(report.contraction, 2)),
    cell(middle === null || report.word ? "" : Math.ceil(middle)),
  );
}

function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

