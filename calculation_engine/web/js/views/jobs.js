/** The list of jobs: filtered, page by page, and up to date. */

import { address, get, send } from "../api.js";
import { h, put, update } from "../dom.js";
import { crateForm } from "../form/crate.js";
import { ago, elapsed, shortId, timeLeft } from "../format.js";
import { repeat, soon } from "../live.js";
import { reasonSentence, stateBadge } from "../words.js";

const STATES = ["queued", "running", "succeeded", "failed", "cancelled"];
const LOOK_MS = 2000;
const PAGE = 25;

export async function showJobs(root, place, signal) {
  document.title = "Jobs";
  const filter = readFilter(place.query);
  const trail = []; // cursors of the pages that led here
  const body = h("div", { class: "card flush" });
  const look = async () => update(body, ...table(await page(filter, trail.at(-1), signal), trail, turn));
  const again = soon(() => look().catch(() => {}), 200);
  function turn(cursor) {
    if (cursor === null) trail.pop();
    else trail.push(cursor);
    look();
  }
  const changed = () => {
    trail.length = 0;
    const { states, ...rest } = filter;
    history.replaceState(null, "", `#/jobs${address([], { state: [...states], ...rest }).search}`);
    again();
  };
  const modules = await get(["module"], {}, signal);
  const crate = crateForm();
  const head = h("div", { class: "row wrap" }, h("h1", {}, "Jobs"), h("span", { class: "grow" }), crate.button);
  put(root, h("div", crate.drop, head, crate.told, filterBar(filter, modules, changed), body));
  repeat(look, LOOK_MS, signal);
}

function readFilter(given) {
  return {
    states: new Set(given.getAll("state").filter((state) => STATES.includes(state))),
    name: given.get("name") ?? "",
    module: given.get("module") ?? "",
    tag: given.get("tag") ?? "",
    slot: given.get("slot") ?? "",
    since: day(given.get("since")),
    until: day(given.get("until")),
  };
}

function query(filter) {
  const tag = filter.tag.includes(":") ? filter.tag : "";
  const { states, name, module, slot, since, until } = filter;
  return { state: [...states], name, module, tag, slot, created_after: midnight(since, 0), created_before: midnight(until, 1) };
}

function day(text) {
  return /^\d{4}-\d\d-\d\d$/.test(text ?? "") ? text : "";
}

/** Return the beginning of a day of this place, or of one so many days later, as the API takes it. */
function midnight(text, later) {
  if (!text) return "";
  const [year, month, date] = text.split("-").map(Number);
  const moment = new Date(year, month - 1, date + later);
  return Number.isNaN(moment.getTime()) ? "" : moment.toISOString();
}

async function page(filter, cursor, signal) {
  const reply = await send(address(["job"], { ...query(filter), limit: PAGE, cursor }), { signal });
  const found = await reply.json();
  const next = found.next ? new URL(found.next, location.href).searchParams.get("cursor") : null;
  return { jobs: found.jobs, next };
}

function filterBar(filter, modules, changed) {
  const text = (key, label, hint, type = "search") =>
    h(
      "label",
      { class: "field inline" },
      h("span", {}, label),
      h("input", {
        type,
        value: filter[key],
        placeholder: hint,
        oninput: (event) => {
          filter[key] = event.target.value.trim();
          changed();
        },
      }),
    );
  const state = (name) => {
    const box = h("input", {
      type: "checkbox",
      checked: filter.states.has(name),
      onchange: () => {
        if (box.checked) filter.states.add(name);
        else filter.states.delete(name);
        changed();
      },
    });
    return h("label", { class: "chip" }, box, h("span", {}, name));
  };
  const options = modules.map(({ name }) => h("option", { selected: name === filter.module }, name));
  const select = h("select", { onchange: () => ((filter.module = select.value), changed()) }, h("option", { value: "" }, "any"), options);
  return h(
    "div",
    { class: "filters", role: "search" },
    h("div", { class: "chips", role: "group", "aria-label": "State" }, STATES.map(state)),
    text("name", "Name begins with", ""),
    h("label", { class: "field inline" }, h("span", {}, "Module"), select),
    text("tag", "Tag", "key:value"),
    text("slot", "Slot", ""),
    text("since", "Stored from", "", "date"),
    text("until", "to", "", "date"),
  );
}

function table({ jobs, next }, trail, turn) {
  if (jobs.length === 0) return [h("p", { class: "empty" }, "No job matches. ", h("a", { href: "#/new" }, "Run one"), ".")];
  const head = ["Job", "State", "", "Started", "Took"].map((title) => h("th", { scope: "col" }, title));
  const rows = jobs.map(row);
  return [
    h("div", { class: "scroll" }, h("table", { class: "jobs" }, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows))),
    h(
      "div",
      { class: "pager" },
      h("button", { type: "button", class: "quiet", disabled: trail.length === 0, onclick: () => turn(null) }, "Newer"),
      h("span", { class: "faint" }, `page ${trail.length + 1}`),
      h("button", { type: "button", class: "quiet", disabled: next === null, onclick: () => turn(next) }, "Older"),
    ),
  ];
}

function row(job) {
  const tags = [
    job.superseded_by && h("span", { class: "tag warn" }, "outdated"),
    job.slot && h("span", { class: "tag" }, `slot ${job.slot}`),
    ...Object.entries(job.tags).map(([key, value]) => h("span", { class: "tag" }, `${key}: ${value}`)),
  ];
  return h(
    "tr",
    { "data-key": job.id },
    h(
      "td",
      { class: "main" },
      h("a", { href: `#/job/${job.id}` }, job.name || shortId(job.id)),
      h("span", { class: "faint id" }, job.name ? shortId(job.id) : ""),
      tags,
    ),
    h("td", {}, stateBadge(job.state)),
    h("td", { class: "wide" }, story(job)),
    h("td", { class: "when", title: job.created }, ago(job.started ?? job.created)),
    h("td", { class: "when" }, elapsed(job.started, job.ended)),
  );
}

function story(job) {
  if (job.state === "running") {
    const { fraction, seconds_left: left } = job.progress;
    return [
      h("progress", { max: 1, value: fraction ?? null, "aria-label": "Progress" }),
      h("span", { class: "faint clip" }, timeLeft(left) || job.message),
    ];
  }
  return h("span", { class: "clip", title: job.message }, job.message || reasonSentence(job.reason));
}
