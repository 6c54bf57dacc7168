/** What is asked of one step beside what its job tells: why it was computed or reused, and its attempts. */

import { get } from "../api.js";
import { h } from "../dom.js";
import { elapsed, time } from "../format.js";
import { reasonSentence, stateBadge } from "../words.js";
import { outcomeBadge, whyText } from "./reasons.js";
import { whyOf } from "./why.js";

const LOOK_MS = 5000; // what a queued step waits for changes without the step

/** Return an empty place for it, which looks after itself once `fillPast` has been given it. */
export function pastPlace(step) {
  return h("div", { "data-key": `past ${step.id}`, "data-keep": true, class: "past" });
}

/** Ask anew where the step stands differently from the last time, and fill the place below `panel`. */
export function fillPast(panel, job, step, signal) {
  const place = panel.querySelector(`[data-key="past ${step.id}"]`);
  const stands = `${step.state} ${step.attempt} ${step.message}`;
  if (place.stands === stands && (step.state !== "queued" || Date.now() - place.looked < LOOK_MS)) return;
  place.stands = stands;
  place.looked = Date.now();
  const load = async () => {
    const why = await whyOf(job, step, signal);
    const attempts = step.attempt > 1 ? (await get(["job", job.id, "attempts"], { step: step.path }, signal)).attempts : [];
    place.replaceChildren(...(why ? [h("h3", {}, "Why ", outcomeBadge(why.outcome)), ...flat(whyText(why))] : []), ...attemptTable(attempts));
  };
  load().catch((error) => signal.aborted || place.replaceChildren(h("p", { class: "faint" }, error.message)));
}

function flat(parts) {
  return parts.flat(Infinity).filter((part) => part instanceof Node);
}

function attemptTable(attempts) {
  if (attempts.length === 0) return [];
  const titles = ["Attempt", "How it ended", "Why", "Where", "Begun", "Took"].map((title) => h("th", { scope: "col" }, title));
  return [
    h("h3", {}, "Attempts"),
    h("div", { class: "scroll" }, h("table", { class: "attempts" }, h("thead", {}, h("tr", {}, titles)), h("tbody", {}, attempts.map(row)))),
  ];
}

function row(attempt) {
  return h(
    "tr",
    {},
    h("td", {}, attempt.number),
    h("td", {}, attempt.state ? stateBadge(attempt.state, true) : "goes on"),
    h("td", {}, h("p", {}, reasonSentence(attempt.reason)), attempt.message && h("p", { class: attempt.reason ? "faint" : null }, attempt.message)),
    h("td", {}, [attempt.executor, attempt.host].filter(Boolean).join(", on ")),
    h("td", { class: "when" }, time(attempt.begun)),
    h("td", { class: "when" }, elapsed(attempt.begun, attempt.ended)),
  );
}
