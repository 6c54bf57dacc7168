/** What went wrong, with every fault at its path and what to do. */

import { h } from "./dom.js";

/** Return a box that tells an error of the server. */
export function problemBox(error) {
  const faults = error.faults ?? [];
  return h(
    "section",
    { class: "problem", role: "alert" },
    h("h2", {}, sentence(error.message)),
    faults.length > 0 && h("ul", {}, faults.map(faultItem)),
    error.hint && h("p", { class: "hint" }, sentence(error.hint)),
    error.instance && h("p", { class: "faint" }, `The server's log has more under ${error.instance}.`),
  );
}

function faultItem(fault) {
  return h(
    "li",
    {},
    fault.path && h("code", {}, fault.path),
    h("span", {}, fault.message),
    fault.hint && h("span", { class: "faint" }, fault.hint),
  );
}

/** Tell something in passing, at the window's foot. */
export function note(text, kind = "") {
  const box = h("p", { class: `note ${kind}` }, text);
  document.getElementById("notes").append(box);
  setTimeout(() => box.remove(), 6000);
}

/** Run what a button asks for; the button waits, and an error is told in passing. */
export async function act(button, work) {
  button.disabled = true;
  try {
    await work();
  } catch (error) {
    if (error.name !== "AbortError") note([error.message, error.hint].filter(Boolean).join(": "), "bad");
  } finally {
    button.disabled = false;
  }
}

function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
