/** The page's way from an address to a view: `#/jobs?state=running`, `#/job/ID/results`, `#/new/cbc`, `#/module/cbc`. */

import { Problem } from "./api.js";
import { h } from "./dom.js";
import { problemBox } from "./problem.js";
import { showTokenButton } from "./token.js";
import { showJob } from "./views/job.js";
import { showJobs } from "./views/jobs.js";
import { showModule, showModules } from "./views/modules.js";
import { showNew } from "./views/new.js";
import { showSlots } from "./views/slots.js";

const VIEWS = { jobs: showJobs, job: showJob, slots: showSlots, new: showNew, modules: showModules, module: showModule };
const SECTIONS = { job: "jobs", module: "modules" };
const main = document.getElementById("main");
let leave = null;
let shown = "";

/** Show what the address names. A view that stays is told of its new parts instead of being made again. */
async function route() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name = "", ...parts] = path.split("/").map(decodeURIComponent);
  const view = VIEWS[name || "jobs"];
  if (!view) {
    location.replace("#/jobs");
    return;
  }
  const identity = name === "job" ? `job/${parts[0]}` : name;
  const place = { parts, query: new URLSearchParams(query) };
  markSection(SECTIONS[name] ?? (name || "jobs"));
  if (leave && identity === shown && leave.moved) {
    leave.moved(place);
    return;
  }
  leave?.controller.abort();
  const controller = new AbortController();
  const mine = { controller, moved: null };
  leave = mine;
  shown = identity;
  const root = h("div", { class: `view view-${name || "jobs"}` });
  main.replaceChildren(root);
  try {
    mine.moved = (await view(root, place, controller.signal)) ?? null;
  } catch (error) {
    if (error.name === "AbortError") return;
    root.append(problemBox(error));
    if (!(error instanceof Problem)) throw error;
  }
}

function markSection(section) {
  for (const link of document.querySelectorAll("header.top nav a")) {
    const current = link.hash === `#/${section}`;
    if (current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

addEventListener("hashchange", () => {
  const before = shown;
  route().then(() => before !== shown && main.focus({ preventScroll: true }));
  if (before !== shown) scrollTo(0, 0);
});
// A view that is left breaks off what it was asking for.
addEventListener("unhandledrejection", (event) => event.reason?.name === "AbortError" && event.preventDefault());
showTokenButton();
route();
