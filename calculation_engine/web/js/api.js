/** Asks the server. Every address is relative to the page, so that it works below any prefix. */

import { currentToken, demandToken } from "./token.js";

const BASE = new URL("api/", document.baseURI);

/** What the server says is wrong: RFC 9457's fields, with `faults`, each at its path. */
export class Problem extends Error {
  constructor(body, status) {
    super(body.detail ?? `the server answers ${status}`);
    this.status = status;
    this.hint = body.hint ?? null;
    this.faults = body.faults ?? [];
    this.instance = body.instance ?? null;
  }
}

/** The server does not answer. */
export class Unreachable extends Error {}

/** Return the address of something below `api/`; `parts` are escaped, `query` may hold lists. */
export function address(parts, query = {}) {
  const path = parts.map((part) => String(part).split("/").map(encodeURIComponent).join("/")).join("/");
  const url = new URL(path, BASE);
  for (const [key, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined && one !== "") url.searchParams.append(key, one);
    }
  }
  return url;
}

/** Send a request and return the reply, which is a success; a token is asked for when the server wants one. */
export async function send(url, { method = "GET", headers = {}, body, signal } = {}) {
  for (;;) {
    const token = currentToken();
    const all = token ? { ...headers, Authorization: `Bearer ${token}` } : headers;
    let reply;
    try {
      reply = await fetch(url, { method, headers: all, body, signal, cache: "no-cache" });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Unreachable("the server does not answer");
    }
    if (reply.ok) return reply;
    const problem = new Problem(await reply.json().catch(() => ({})), reply.status);
    if (reply.status !== 401) throw problem;
    await demandToken(problem.message, token);
  }
}

/** Return the JSON of an address. */
export async function get(parts, query = {}, signal = undefined) {
  return (await send(address(parts, query), { signal })).json();
}

/** Send a document and return the JSON of the reply, or null where it has none. */
export async function change(method, parts, document = undefined) {
  const body = document === undefined ? undefined : JSON.stringify(document);
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  const reply = await send(address(parts), { method, headers, body });
  return reply.status === 204 ? null : reply.json();
}

/** Keep a file on the server and return what it says of it. */
export async function upload(file, name) {
  const headers = { "Content-Type": file.type || "application/octet-stream" };
  return (await send(address(["upload"], { name }), { method: "PUT", headers, body: file })).json();
}

/** Yield the text of a reply as it comes. */
export async function* texts(url, { headers, signal } = {}) {
  const reply = await send(url, { headers, signal });
  if (!reply.body) return;
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    yield value;
  }
}

/** Save what is at an address; with a token it goes through memory, as a link cannot send one. */
export async function save(url, name) {
  let href = url.href;
  if (currentToken()) href = URL.createObjectURL(await (await send(url)).blob());
  const link = document.createElement("a");
  link.href = href;
  link.download = name;
  link.click();
  if (href.startsWith("blob:")) setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
