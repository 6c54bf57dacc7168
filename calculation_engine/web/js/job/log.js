/** What a job prints, while it prints it. */

import { address, texts } from "../api.js";
import { h, update } from "../dom.js";

const TAIL_LINES = 2000;
const MOST_CHARACTERS = 600_000;

export function openLog(panel, job, signal) {
  const pick = h("select", { id: "log-step", onchange: () => choose() });
  const whole = h("a", { class: "button quiet", target: "_blank", rel: "noopener" }, "The whole log as text");
  const pre = h("pre", { class: "log", tabindex: 0, "aria-label": "Log", "data-keep": true });
  const empty = h("p", { class: "faint" });
  panel.append(
    h("div", { class: "row wrap" }, h("label", { for: "log-step" }, "Step"), pick, h("span", { class: "grow" }), whole),
    h("div", { class: "card flush" }, pre),
    empty,
  );
  let reading = null;
  let now = null; // what is being shown: a step's path, or empty for all

  function choose() {
    const step = pick.value;
    const query = step ? `?step=${encodeURIComponent(step)}` : "";
    history.replaceState(null, "", `#/job/${job.id}/log${query}`);
    read(step);
  }
  async function read(step) {
    if (step === now) return;
    now = step;
    reading?.abort();
    reading = new AbortController();
    const stop = AbortSignal.any([signal, reading.signal]);
    whole.href = address(["job", job.id, "log"], { step }).href;
    pre.replaceChildren();
    empty.textContent = "Nothing was printed yet.";
    try {
      const url = address(["job", job.id, "log"], { step, tail: TAIL_LINES, follow: "true" });
      for await (const text of texts(url, { signal: stop })) add(text);
      if (!pre.firstChild) empty.textContent = "It printed nothing.";
    } catch (error) {
      if (!stop.aborted) empty.textContent = `The log cannot be read: ${error.message}`;
    }
  }
  function add(text) {
    if (!text) return;
    const atEnd = pre.scrollHeight - pre.scrollTop - pre.clientHeight < 40;
    pre.append(text);
    while (pre.childNodes.length > 1 && pre.textContent.length > MOST_CHARACTERS) pre.firstChild.remove();
    empty.textContent = "";
    if (atEnd) pre.scrollTop = pre.scrollHeight;
  }
  return (newer, place) => {
    job = newer;
    const step = place.query.get("step") ?? "";
    const options = job.steps.map(({ path }) => h("option", { value: path }, path));
    update(pick, h("option", { value: "" }, "all"), options);
    if (now === null) pick.value = job.steps.some(({ path }) => path === step) ? step : "";
    read(pick.value);
  };
}
