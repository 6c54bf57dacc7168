/** A job's events as they happen; read with fetch, as the browser's own EventSource can send no token. */

import { address, send } from "./api.js";

const PAUSE_MS = 1500;

/**
 * Call `told(event)` for each event of a job until it has ended or `signal` is aborted; come back after a break.
 * While the tab is hidden no connection is held: a browser has few of them for each server.
 */
export async function watchEvents(id, told, signal) {
  let last = "";
  while (!signal.aborted) {
    await visible(signal);
    const stop = new AbortController();
    const hide = () => document.hidden && stop.abort();
    document.addEventListener("visibilitychange", hide);
    try {
      const headers = last ? { "Last-Event-ID": last } : {};
      const reply = await send(address(["job", id, "events"]), { headers, signal: AbortSignal.any([signal, stop.signal]) });
      if (reply.status === 204) return;
      for await (const event of parse(reply.body)) {
        last = event.id || last;
        told(JSON.parse(event.data));
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error.status && error.status < 500) throw error;
    } finally {
      document.removeEventListener("visibilitychange", hide);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** Return when the tab can be seen. */
export function visible(signal) {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => (!document.hidden || signal.aborted) && resolve();
    document.addEventListener("visibilitychange", done, { signal });
    signal.addEventListener("abort", resolve, { once: true });
  });
}

async function* parse(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const event = { id: "", data: "" };
      for (const line of block.split("\n")) {
        if (line.startsWith("id: ")) event.id = line.slice(4);
        if (line.startsWith("data: ")) event.data += line.slice(6);
      }
      if (event.data) yield event;
    }
  }
}
