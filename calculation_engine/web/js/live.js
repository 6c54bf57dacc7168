/** Keeps a view up to date by asking again and again, but not while nobody looks. */

import { Unreachable } from "./api.js";
import { visible } from "./sse.js";

const banner = document.getElementById("offline");

/** Call `look` now and every so many milliseconds until `signal` is aborted; say when the server does not answer. */
export async function repeat(look, milliseconds, signal) {
  while (!signal.aborted) {
    await attempt(look, signal);
    await pause(milliseconds, signal);
    await visible(signal);
  }
}

/** Call `look` once; an absent server is told in a banner, which goes when it is back. */
export async function attempt(look, signal) {
  try {
    await look();
    banner.hidden = true;
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof Unreachable)) throw error;
    banner.textContent = "The server does not answer. This page goes on trying; what runs goes on by itself.";
    banner.hidden = false;
  }
}

/** Return after so many milliseconds, or when `signal` is aborted. */
export function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}

/** Return a function that calls `work` soon, and once however often it is called meanwhile. */
export function soon(work, milliseconds = 150) {
  let timer = null;
  return () => {
    timer ??= setTimeout(() => {
      timer = null;
      work();
    }, milliseconds);
  };
}
