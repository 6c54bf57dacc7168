/** Why each step was computed, reused, or waits. */

import { address, get, send } from "../api.js";
import { h, update } from "../dom.js";
import { count } from "../format.js";
import { act, problemBox } from "../problem.js";
import { outcomeBadge, whyText } from "./reasons.js";

const PAGE = 100;
const LOOK_MS = 5000; // what a queued step waits for changes without the job

export function openWhy(panel, job, signal) {
  const head = h("div", { class: "row wrap" });
  const listing = h("div", { class: "card flush" });
  panel.append(head, listing);
  let pages = [];
  let wanted = 1; // pages that the user has asked for
  let only = "";
  let looked = 0;
  let stands = "";

  async function load() {
    const found = [];
    let query = { limit: PAGE };
    while (found.length < wanted && query) {
      const page = await (await send(address(["job", job.id, "why"], query), { signal })).json();
      found.push(page);
      query = page.next ? Object.fromEntries(new URL(page.next, location.href).searchParams) : null;
    }
    pages = found;
    draw();
  }
  function draw() {
    const steps = pages.flatMap((page) => page.steps);
    const parts = pages.flatMap((page) => page.waiting);
    const counts = Map.groupBy(steps, ({ outcome }) => outcome);
    const shown = only ? (counts.get(only) ?? []) : steps;
    const more = pages.at(-1)?.next;
    update(head, chips(counts, steps.length), h("p", { class: "faint" }, `${sentence(pages[0]?.rule ?? "")}.`));
    if (steps.length + parts.length === 0) {
      update(listing, h("p", { class: "empty" }, "No step has begun."));
      return;
    }
    const next = (event) => act(event.currentTarget, () => ((wanted += 1), load()));
    const rows = [...shown.map(row), ...(only ? [] : parts.map(part))];
    const titles = ["Step", "What became of it", "Why"].map((title) => h("th", { scope: "col" }, title));
    update(
      listing,
      h("div", { class: "scroll" }, h("table", { class: "why" }, h("thead", {}, h("tr", {}, titles)), h("tbody", {}, rows))),
      more && h("div", { class: "pager" }, h("button", { type: "button", onclick: next }, `Tell of more than ${count(steps.length, "step")}`)),
    );
  }
  function chips(counts, all) {
    if (counts.size < 2) return null;
    const chip = (name, title) => {
      const set = () => ((only = name), draw());
      return h("label", { class: "chip" }, h("input", { type: "radio", name: "outcome", checked: only === name, onchange: set }), h("span", {}, title));
    };
    const words = { computed: "computed", reused: "reused", waiting: "waiting", not_computed: "not computed" };
    const each = Object.entries(words).filter(([name]) => counts.has(name));
    return h("div", { class: "chips", role: "radiogroup", "aria-label": "Which steps" }, chip("", `all ${all}`), each.map(([name, word]) => chip(name, `${counts.get(name).length} ${word}`)));
  }
  function row(why) {
    return h(
      "tr",
      { "data-key": why.step },
      h("td", { class: "main" }, h("a", { href: `#/job/${job.id}/steps/${why.path}` }, why.path)),
      h("td", {}, outcomeBadge(why.outcome)),
      h("td", {}, whyText(why)),
    );
  }
  function part(told) {
    return h("tr", { "data-key": `part ${told.name}` }, h("td", { class: "main" }, told.name), h("td", {}, outcomeBadge("waiting")), h("td", {}, h("p", {}, `${sentence(told.sentence)}.`)));
  }
  return (newer) => {
    job = newer;
    const now = `${job.state} ${job.steps.map(({ state, attempt }) => `${state}${attempt}`).join()}`;
    if (now === stands && (job.ended || Date.now() - looked < LOOK_MS)) return;
    stands = now;
    looked = Date.now();
    load().catch((error) => signal.aborted || update(listing, problemBox(error)));
  };
}

/** Return why one step was computed or reused; null where it is not known any more. */
export async function whyOf(job, step, signal) {
  const { steps } = await get(["job", job.id, "why"], { step: step.path }, signal);
  return steps[0] ?? null;
}

function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
