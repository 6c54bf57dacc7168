/** One job: where it stands, what can be done with it, and its parts as tabs. */

import { address, change, get, save } from "../api.js";
import { h, icon, update } from "../dom.js";
import { elapsed, shortId, time, timeLeft } from "../format.js";
import { attempt, repeat, soon } from "../live.js";
import { act, note, problemBox } from "../problem.js";
import { watchEvents } from "../sse.js";
import { reasonSentence, stateBadge } from "../words.js";
import { openAgreement } from "../job/agreement.js";
import { openCompare } from "../job/compare.js";
import { openLog } from "../job/log.js";
import { openRequest } from "../job/request.js";
import { openSteps } from "../job/steps.js";
import { openWhy } from "../job/why.js";
import { openResults } from "../result/results.js";

const TABS = [
  ["steps", "Steps", openSteps, () => true],
  ["agreement", "Agreement", openAgreement, (job) => job.loops.length > 0],
  ["results", "Results", openResults, () => true],
  ["why", "Why", openWhy, () => true],
  ["compare", "Compare", openCompare, () => true],
  ["log", "Log", openLog, () => true],
  ["request", "Request", openRequest, () => true],
];
const ENDED = new Set(["succeeded", "failed", "cancelled"]);
const LOOK_MS = 5000;

export async function showJob(root, place, signal) {
  let job = await get(["job", place.parts[0]], {}, signal);
  let slot = await slotOf(job, signal);
  const head = h("header", { class: "job-head" });
  const tabs = h("nav", { class: "tabs", "aria-label": "Parts of the job" });
  const panel = h("section", { class: "panel" });
  root.append(head, tabs, panel);
  let open = null;

  function render() {
    const [name] = here();
    document.title = `${job.name || shortId(job.id)}: ${job.state}`;
    update(head, ...headline(job, slot, removed));
    update(tabs, ...TABS.filter(([, , , has]) => has(job)).map(([key, title]) => tab(job, key, title, key === name)));
    open?.show(job, here()[1]);
  }
  function here() {
    const [, name, ...rest] = place.parts;
    const known = TABS.find(([key, , , has]) => key === name && has(job));
    return [known ? name : "steps", { rest, query: place.query }];
  }
  function enter() {
    const [name] = here();
    if (open?.name === name) return;
    open?.controller.abort();
    const controller = new AbortController();
    signal.addEventListener("abort", () => controller.abort(), { once: true });
    panel.replaceChildren();
    const [, , make] = TABS.find(([key]) => key === name);
    open = { name, controller, show: make(panel, job, controller.signal) };
  }
  function removed() {
    note(`Job ${job.name || shortId(job.id)} is deleted.`);
    location.hash = "#/jobs";
  }
  const look = async () => {
    if (signal.aborted) return;
    job = await get(["job", job.id], {}, signal);
    slot = await slotOf(job, signal);
    render();
  };
  const lookSoon = soon(() => attempt(look, signal).catch((error) => update(head, problemBox(error))));

  enter();
  render();
  if (!ENDED.has(job.state)) {
    const ended = new AbortController();
    const both = AbortSignal.any([signal, ended.signal]);
    watchEvents(job.id, lookSoon, both).catch(() => {});
    repeat(async () => (ENDED.has(job.state) ? ended.abort() : look()), LOOK_MS, both).catch(() => {});
    const clock = setInterval(() => (ENDED.has(job.state) ? clearInterval(clock) : render()), 1000);
    signal.addEventListener("abort", () => clearInterval(clock), { once: true });
  }
  return (moved) => {
    place = moved;
    enter();
    render();
  };
}

function tab(job, key, title, current) {
  return h("a", { href: `#/job/${job.id}/${key}`, "aria-current": current ? "page" : null }, title);
}

function headline(job, slot, removed) {
  const tags = [
    job.superseded_by && h("span", { class: "tag warn" }, "outdated"),
    job.slot && h("a", { class: "tag", href: "#/slots" }, `slot ${job.slot}`),
    ...Object.entries(job.tags).map(([key, value]) => h("span", { class: "tag" }, `${key}: ${value}`)),
  ];
  return [
    h("p", { class: "crumbs" }, h("a", { href: "#/jobs" }, "Jobs"), icon("next"), h("code", {}, job.id)),
    h("div", { class: "row wrap" }, h("h1", {}, job.name || shortId(job.id)), stateBadge(job.state), tags, actions(job, removed)),
    job.description && h("p", { class: "faint" }, job.description),
    whence(job),
    standing(job, slot),
    progress(job),
    story(job),
  ];
}

/** Return where a job comes from that was repeated here or brought here. */
function whence({ imported, origin }) {
  if (imported) return h("p", { class: "faint" }, `Brought here ${time(imported)}; it ran on another machine.`);
  if (origin?.kind !== "rerun") return null;
  return h("p", { class: "faint" }, "Repeats ", h("a", { href: `#/job/${origin.job}` }, h("code", {}, shortId(origin.job))), "; its results are held against those.");
}

/** Return what stands in a job's slot, where it has one. */
async function slotOf(job, signal) {
  return job.slot ? get(["slot", job.slot], {}, signal).catch(() => null) : null;
}

/** Return whether a job's results are outdated, or which outdated ones it is going to replace. */
function standing(job, slot) {
  const named = (id, text) => h("a", { href: `#/job/${id}` }, text);
  if (job.superseded_by) {
    const isLast = slot?.result?.id === job.id;
    const newer = [named(job.superseded_by, "a newer job"), " took over its slot"];
    return h("p", { class: "story outdated" }, h("strong", {}, "Outdated: "), newer, isLast ? ", but has not succeeded: these are the last results of the slot." : ".");
  }
  if (!slot?.is_outdated || slot.newest.id !== job.id) return null;
  return h("p", { class: "faint" }, "Until this job has succeeded, the last result of its slot stays, outdated: ", named(slot.result.id, slot.result.name || shortId(slot.result.id)), ".");
}

function progress(job) {
  const { fraction, seconds_left: left } = job.progress;
  const running = job.state === "running";
  const times = [
    running && left ? timeLeft(left) : null,
    job.started && `${running ? "running for" : "took"} ${elapsed(job.started, job.ended)}`,
    job.started ? `started ${time(job.started)}` : `stored ${time(job.created)}`,
    `by ${job.owner}`,
  ];
  const value = ENDED.has(job.state) ? 1 : (fraction ?? (running ? null : 0));
  return h(
    "div",
    { class: "progress-line" },
    h("progress", { class: job.state, max: 1, value, "aria-label": "Progress" }),
    h("p", { class: "faint" }, times.filter(Boolean).join(" · ")),
  );
}

function story(job) {
  const asked = job.cancel_requested && !ENDED.has(job.state) ? "It is being cancelled. " : "";
  const sentence = reasonSentence(job.state === "cancelled" ? null : job.reason);
  if (!asked && !sentence && !job.message) return null;
  const kind = job.state === "failed" ? "bad" : "";
  return h("p", { class: `story ${kind}` }, asked, sentence && h("strong", {}, sentence, " "), job.message);
}

function actions(job, removed) {
  const cancel = (event) =>
    act(event.currentTarget, async () => {
      await change("POST", ["job", job.id, "cancel"]);
      note("The job is being cancelled.");
    });
  const remove = (event) => {
    if (!confirm("Delete this job, its log and its results?")) return;
    act(event.currentTarget, async () => {
      await change("DELETE", ["job", job.id]);
      removed();
    });
  };
  const rerun = (event) =>
    act(event.currentTarget, async () => {
      const again = await change("POST", ["job", job.id, "rerun"]);
      location.hash = `#/job/${again.id}`;
    });
  const crate = (event) =>
    act(event.currentTarget, () => save(address(["job", job.id, "crate.zip"]), `${job.name || "job"}-${shortId(job.id)}.crate.zip`));
  const zip = (event) =>
    act(event.currentTarget, () => save(address(["job", job.id, "results.zip"]), `${job.name || "job"}-${shortId(job.id)}.zip`));
  const ended = ENDED.has(job.state);
  return h(
    "div",
    { class: "actions" },
    !ended && h("button", { type: "button", disabled: Boolean(job.cancel_requested), onclick: cancel }, icon("stop"), "Cancel"),
    h("a", { class: "button", href: `#/new/again/${job.id}` }, icon("again"), "Run again"),
    h("button", { type: "button", onclick: zip }, icon("down"), "Download all"),
    ended && h("button", { type: "button", onclick: crate, title: "Inputs, results and what made them, for another machine" }, icon("down"), "Export"),
    ended && h("button", { type: "button", onclick: rerun, title: "The same from the same files, and compare the results" }, icon("again"), "Repeat exactly"),
    ended && h("button", { type: "button", class: "danger", onclick: remove }, icon("bin"), "Delete"),
  );
}
