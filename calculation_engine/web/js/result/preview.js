/** Shows one result in the way that fits it. What a module wrote is never run, and never becomes markup of this page. */

import { send } from "../api.js";
import { h } from "../dom.js";
import { bytes } from "../format.js";
import { jsonTree } from "./json.js";
import { showTable } from "./table.js";

const MOST_TEXT = 1 << 18;
const MOST_DOCUMENT = 16 << 20;
const KINDS = {
  csv: showTable,
  json: limited(showJson),
  html: limited(showReport),
  png: limited(showImage("image/png")),
  jpg: limited(showImage("image/jpeg")),
  svg: limited(showImage("image/svg+xml")),
};
const TEXT = new Set(["txt", "yaml", "yml", "log", "lp", "mps", "md", "dat", "mod", "xml", "toml", "tex", "sol"]);

/** Show the file in `place`; return when it is there. */
export function preview(place, url, file, signal) {
  const ending = file.path.split(".").at(-1).toLowerCase();
  const isText = TEXT.has(ending) || /^text\/|yaml|json/.test(file.media_type);
  const show = KINDS[ending] ?? (isText ? showText : showNothing);
  return show(place, url, file.size, signal);
}

function limited(show) {
  return (place, url, size, signal) => (size > MOST_DOCUMENT ? showText(place, url, size, signal) : show(place, url, size, signal));
}

async function showJson(place, url, size, signal) {
  const text = await (await send(url, { signal })).text();
  try {
    place.append(jsonTree(JSON.parse(text), 2));
  } catch {
    place.append(h("pre", { class: "log" }, text.slice(0, MOST_TEXT)));
  }
}

async function showText(place, url, size, signal) {
  const headers = size > MOST_TEXT ? { Range: `bytes=0-${MOST_TEXT - 1}` } : {};
  const text = await (await send(url, { headers, signal })).text();
  place.append(h("pre", { class: "log", tabindex: 0 }, text));
  if (size > MOST_TEXT) place.append(h("p", { class: "faint" }, `These are the first ${bytes(MOST_TEXT)}; download it for the rest.`));
}

function showImage(type) {
  return async (place, url, size, signal) => {
    const content = await (await send(url, { signal })).arrayBuffer();
    const source = URL.createObjectURL(new Blob([content], { type }));
    signal.addEventListener("abort", () => URL.revokeObjectURL(source), { once: true });
    place.append(h("img", { class: "result", src: source, alt: "The result as a picture" }));
  };
}

/** A report goes into a frame without scripts, network, or this page's origin; see api/page.py for the frame's rules. */
async function showReport(place, url, size, signal) {
  const text = await (await send(url, { signal })).text();
  const frame = h("iframe", { class: "report", src: "web/frame.html", sandbox: "allow-scripts", title: "Report" });
  const ready = (event) => {
    if (event.source !== frame.contentWindow || event.data !== "ready") return;
    removeEventListener("message", ready);
    frame.contentWindow.postMessage(text, "*");
  };
  addEventListener("message", ready, { signal });
  place.append(frame);
}

async function showNothing(place, url, size) {
  place.append(h("p", { class: "empty" }, size === 0 ? "The file is empty." : "There is no preview of this kind of file; download it."));
}
