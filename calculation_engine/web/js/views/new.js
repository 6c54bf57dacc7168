/** A new job: of one module by a form, of a workflow by its document, or an earlier job with changes. */

import { get } from "../api.js";
import { h, put } from "../dom.js";
import { documentForm } from "../form/document.js";
import { moduleForm } from "../form/module.js";
import { shortId } from "../format.js";

export async function showNew(root, { parts }, signal) {
  document.title = "New job";
  const [kind, id] = parts;
  if (kind === "document") documentForm(root, "");
  else if (kind === "again") await again(root, id, signal);
  else if (kind) moduleForm(root, await get(["module", kind], {}, signal), {});
  else await choose(root, signal);
}

async function choose(root, signal) {
  const modules = await get(["module"], {}, signal);
  put(
    root,
    h("h1", {}, "New job"),
    h("p", { class: "lead" }, "Run one module by a form, or a workflow of several from its document."),
    h(
      "div",
      { class: "cards" },
      h("a", { class: "card pick", href: "#/new/document" }, h("h2", {}, "Workflow"), h("p", {}, "Paste or drop a YAML or JSON document: chains, groups, sweeps, loops.")),
      modules.filter(({ fault }) => !fault).map(({ name, title }) => h("a", { class: "card pick", href: `#/new/${name}` }, h("h2", {}, name), h("p", {}, title))),
    ),
  );
}

/** A job of one process is changed in the form of its module, any other one in its document. */
async function again(root, id, signal) {
  const job = await get(["job", id], {}, signal);
  const { processes, components = [] } = job.workflow;
  const about = { name: job.name, description: job.description, tags: job.tags, from: job.id };
  if (processes.length > 1 || components.length > 0) {
    const kept = { name: job.name, description: job.description, tags: job.tags, slot: job.slot, ...job.workflow };
    documentForm(root, JSON.stringify(trimmed(kept), null, 2), `Job ${job.name || shortId(job.id)} again, with changes`);
    return;
  }
  const [process] = processes;
  moduleForm(root, await get(["module", process.module], {}, signal), { ...about, ...process, name: job.name });
}

/** Return a document without what is not given: null, empty texts, lists and objects at its top and in its parts. */
function trimmed(value) {
  const isEmpty = (one) => one === null || one === "" || (typeof one === "object" && Object.keys(one).length === 0);
  const part = (one) => Object.fromEntries(Object.entries(one).filter(([, inner]) => !isEmpty(inner)));
  const resources = (one) => ({ ...one, resources: part(one.resources ?? {}) });
  return part({ ...value, processes: value.processes.map((one) => part(resources(one))), components: (value.components ?? []).map(part) });
}
