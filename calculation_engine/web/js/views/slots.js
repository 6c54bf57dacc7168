/** Slots: named places among jobs, each with its newest job and its last result. */

import { address, send } from "../api.js";
import { h, put, update } from "../dom.js";
import { ago, shortId } from "../format.js";
import { repeat } from "../live.js";
import { stateBadge } from "../words.js";

const LOOK_MS = 3000;
const PAGE = 100;

export async function showSlots(root, place, signal) {
  document.title = "Slots";
  const body = h("div", { class: "card flush" });
  let wanted = 1; // pages that the user has asked for
  async function look() {
    const slots = [];
    let query = { limit: PAGE };
    for (let pages = 0; pages < wanted && query; pages += 1) {
      const page = await (await send(address(["slot"], query), { signal })).json();
      slots.push(...page.slots);
      query = page.next ? Object.fromEntries(new URL(page.next, location.href).searchParams) : null;
    }
    const more = query && h("div", { class: "pager" }, h("button", { type: "button", onclick: () => ((wanted += 1), look()) }, "More"));
    update(body, ...table(slots), more);
  }
  put(
    root,
    h("h1", {}, "Slots"),
    h("p", { class: "lead" }, "A named place among jobs. A newer job of the same slot ends what is left of the older one; the last result stays, marked as outdated, until the newer job has succeeded."),
    body,
  );
  repeat(look, LOOK_MS, signal);
}

function table(slots) {
  if (slots.length === 0) return [h("p", { class: "empty" }, "No job has a slot. ", h("code", {}, "slot: baseline"), " in a job, or ", h("code", {}, "ce run --slot baseline"), ", gives it one.")];
  const titles = ["Slot", "Newest job", "Last result"].map((title) => h("th", { scope: "col" }, title));
  return [h("div", { class: "scroll" }, h("table", { class: "slots" }, h("thead", {}, h("tr", {}, titles)), h("tbody", {}, slots.map(row))))];
}

function row(slot) {
  const outdated = slot.is_outdated && h("span", { class: "tag warn" }, "outdated");
  const result = slot.result && h("a", { class: "button", href: `#/job/${slot.result.id}/results` }, "Its results");
  return h(
    "tr",
    { "data-key": slot.name },
    h("td", { class: "main" }, h("a", { href: `#/jobs?${new URLSearchParams({ slot: slot.name })}`, title: "All jobs that have or had it" }, slot.name)),
    h("td", {}, job(slot.newest, "deleted")),
    h("td", {}, h("div", { class: "row wrap" }, h("div", {}, job(slot.result, "None has succeeded yet.", outdated)), h("span", { class: "grow" }), result)),
  );
}

function job(one, absent, tag = null) {
  if (!one) return h("span", { class: "faint" }, absent);
  return [h("p", {}, h("a", { href: `#/job/${one.id}` }, one.name || shortId(one.id)), " ", stateBadge(one.state, true), " ", tag), h("p", { class: "faint" }, ago(one.ended ?? one.created))];
}
