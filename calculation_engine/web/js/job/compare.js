/** This job held against another one, which is picked from a list. */

import { get } from "../api.js";
import { h, update } from "../dom.js";
import { ago, shortId } from "../format.js";
import { soon } from "../live.js";
import { problemBox } from "../problem.js";
import { stateBadge } from "../words.js";
import { differences } from "./differences.js";

const MOST = 20;
const RELATIVE = "1e-6";
const ABSOLUTE = "1e-9";

export function openCompare(panel, job, signal) {
  const body = h("div", {});
  panel.append(body);
  let shown = null;

  /** Show the jobs that this one may be compared with; those that belong to it first. */
  function pick() {
    document.title = `Compare ${job.name || shortId(job.id)}`;
    const listing = h("div", {});
    const name = h("input", { type: "search", oninput: soon(() => list().catch(failed), 200) });
    body.replaceChildren(
      h("section", { class: "card" }, h("h2", {}, "Compare with"), h("label", { class: "field inline" }, h("span", {}, "Name begins with"), name), listing),
    );
    async function list() {
      const begins = name.value.trim();
      const found = await Promise.all([near(begins), get(["job"], { name: begins, limit: MOST }, signal).then(({ jobs }) => jobs)]);
      const unique = new Map(found.flat().filter(({ id }) => id !== job.id).map((one) => [one.id, one]));
      const rows = [...unique.values()].slice(0, MOST).map(row);
      if (rows.length === 0) update(listing, h("p", { class: "empty" }, "There is no other job to compare with."));
      else update(listing, h("ul", { class: "plain picks" }, rows));
    }
    list().catch(failed);
  }
  /** The job that this one repeats, those of its slot, and those of its name. */
  async function near(begins) {
    const asked = [];
    if (job.origin?.kind === "rerun") asked.push(get(["job", job.origin.job], {}, signal).catch(() => null));
    if (job.slot) asked.push(get(["job"], { slot: job.slot, limit: 5 }, signal));
    if (job.name) asked.push(get(["job"], { name: job.name, limit: 5 }, signal));
    const found = (await Promise.all(asked)).filter(Boolean).flatMap((one) => one.jobs ?? [one]);
    return found.filter((one) => one.name.startsWith(begins));
  }
  function row(other) {
    const tags = [other.slot && `slot ${other.slot}`, ...Object.entries(other.tags).map(([key, text]) => `${key}: ${text}`)].filter(Boolean);
    return h(
      "li",
      { "data-key": other.id },
      h("a", { href: `#/job/${job.id}/compare/${other.id}` }, other.name || shortId(other.id)),
      h("span", { class: "faint id" }, other.name ? shortId(other.id) : ""),
      stateBadge(other.state, true),
      tags.map((text) => h("span", { class: "tag" }, text)),
      h("span", { class: "faint" }, ago(other.created)),
    );
  }
  async function hold(other, nearness) {
    const result = h("div", { role: "status", "aria-live": "polite" }, h("p", { class: "faint" }, "The results are being compared …"));
    body.replaceChildren(tolerances(other, nearness), result);
    const diff = await get(["job", job.id, "diff", other], nearness, signal);
    document.title = `${diff.a.name || shortId(diff.a.id)} and ${diff.b.name || shortId(diff.b.id)}`;
    result.replaceChildren(...differences(diff));
  }
  function tolerances(other, nearness) {
    const field = (label, name) => h("label", { class: "field inline" }, h("span", {}, label), h("input", { name, value: nearness[name], inputmode: "decimal", required: true, size: 8 }));
    const submit = (event) => {
      event.preventDefault();
      const given = new URLSearchParams(new FormData(event.currentTarget));
      location.hash = `#/job/${job.id}/compare/${other}?${given}`;
    };
    return h(
      "form",
      { class: "row wrap controls", onsubmit: submit },
      h("a", { class: "button", href: `#/job/${job.id}/compare` }, "Choose another job"),
      h("span", { class: "grow" }),
      h("span", { class: "faint" }, "Numbers are the same within"),
      field("relative", "relative"),
      field("or absolute", "absolute"),
      h("button", { type: "submit" }, "Compare"),
    );
  }
  function failed(error) {
    if (!signal.aborted) body.replaceChildren(problemBox(error), h("a", { class: "button", href: `#/job/${job.id}/compare` }, "Choose another job"));
  }
  return (newer, place) => {
    job = newer;
    const [other = ""] = place.rest;
    const nearness = { relative: place.query.get("relative") ?? RELATIVE, absolute: place.query.get("absolute") ?? ABSOLUTE };
    const wanted = `${other} ${nearness.relative} ${nearness.absolute}`;
    if (wanted === shown) return;
    shown = wanted;
    if (other) hold(other, nearness).catch(failed);
    else pick();
  };
}
