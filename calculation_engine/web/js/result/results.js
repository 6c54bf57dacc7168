/** A job's results: a tree of files, and the one that is chosen. */

import { address, get, save } from "../api.js";
import { h, icon, update } from "../dom.js";
import { bytes } from "../format.js";
import { attempt } from "../live.js";
import { act, problemBox } from "../problem.js";
import { preview } from "./preview.js";
import { tree } from "./tree.js";

export function openResults(panel, job, signal) {
  const filter = h("input", { type: "search", "aria-label": "Find a file", placeholder: "Find a file", oninput: () => list() });
  const listing = h("div", { class: "tree" });
  const shown = h("div", { class: "card preview" });
  panel.append(h("div", { class: "results" }, h("div", { class: "card files" }, filter, listing), shown));
  let files = null;
  let seen = ""; // how the job stood when the files were listed
  let path = null;
  let reading = null;
  let place = null;

  async function load() {
    files = await get(["job", job.id, "results"], {}, signal);
    list();
    choose();
  }
  function list() {
    const text = filter.value.trim().toLowerCase();
    const below = place.query.get("below") ?? "";
    const matching = files.filter((file) => file.path.startsWith(below) && file.path.toLowerCase().includes(text));
    const all = below && h("p", {}, h("a", { href: `#/job/${job.id}/results` }, `Only ${below} is listed: show all`));
    if (files.length === 0) update(listing, h("p", { class: "faint" }, "There are no results yet."));
    else update(listing, all, tree(matching, (file) => href(file.path), path, text !== "" || below !== ""));
  }
  function href(chosen) {
    return `#/job/${job.id}/results/${chosen.split("/").map(encodeURIComponent).join("/")}${queryText()}`;
  }
  function queryText() {
    return place.query.size ? `?${place.query}` : "";
  }
  function choose() {
    const wanted = place.rest.join("/") || first(files)?.path;
    const file = files.find((one) => one.path === wanted);
    if (path === wanted && shown.firstChild && (reading || !file)) return;
    path = wanted;
    reading?.abort();
    reading = file ? new AbortController() : null;
    if (file) open(file, AbortSignal.any([signal, reading.signal]));
    else update(shown, h("p", { class: "empty" }, files.length ? `There is no result ${wanted}.` : "Results appear here as steps end."));
    list();
  }
  async function open(file, stop) {
    const url = address(["job", job.id, "results", file.path]);
    const name = file.path.split("/").at(-1);
    const download = (event) => act(event.currentTarget, () => save(url, name));
    const body = h("div", { class: "preview-body" });
    shown.replaceChildren(
      h("div", { class: "row wrap" }, h("h2", {}, name), h("span", { class: "grow" }), h("button", { type: "button", onclick: download }, icon("down"), "Download")),
      h("p", { class: "faint" }, [file.path.split("/").slice(0, -1).join("/"), bytes(file.size), file.label].filter(Boolean).join(" · ")),
      body,
    );
    try {
      await preview(body, url, file, stop);
    } catch (error) {
      if (!stop.aborted) body.replaceChildren(problemBox(error));
    }
  }
  return (newer, where) => {
    job = newer;
    place = where;
    const stands = `${job.state} ${job.steps.filter((step) => step.ended).length}`;
    if (stands !== seen) {
      seen = stands;
      attempt(load, signal).catch((error) => !signal.aborted && update(shown, problemBox(error)));
    } else if (files) choose();
  };
}

/** Return what is worth seeing first: a report, else what says how it went, else any file. */
function first(files) {
  const ends = (name) => files.findLast((file) => file.path.endsWith(name));
  return ends("report.html") ?? ends("solution.json") ?? files[0];
}

