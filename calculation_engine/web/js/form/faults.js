/** Puts what the server found wrong beside the fields that it is about. */

import { h } from "../dom.js";
import { problemBox } from "../problem.js";

/** Show an error above the form, and each fault at its field; the first such field gets the focus. */
export function showFaults(form, place, error) {
  clearFaults(form, place);
  place.replaceChildren(problemBox(error));
  let first = null;
  for (const fault of error.faults ?? []) {
    const field = nearest(form, fault.path);
    if (!field) continue;
    field.classList.add("wrong");
    field.append(h("p", { class: "fault" }, fault.message));
    first ??= field;
  }
  place.scrollIntoView({ block: "nearest" });
  first?.querySelector("input, select, textarea, button")?.focus({ preventScroll: true });
}

/** Take away what was shown of an earlier error. */
export function clearFaults(form, place) {
  place.replaceChildren();
  form.querySelectorAll(".fault").forEach((fault) => fault.remove());
  form.querySelectorAll(".wrong").forEach((field) => field.classList.remove("wrong"));
}

function nearest(form, path) {
  const plain = path.replace(/^workflow\.processes\[0\]\.|^processes\[0\]\./, "");
  const fields = [...form.querySelectorAll("[data-path]")];
  const inside = fields.filter(({ dataset }) => plain === dataset.path || plain.startsWith(`${dataset.path}.`) || plain.startsWith(`${dataset.path}[`) || plain.startsWith(`${dataset.path}/`));
  return inside.sort((a, b) => b.dataset.path.length - a.dataset.path.length)[0] ?? null;
}
