/** A CSV file of any size, read from the server piece by piece, as far as it is looked at. */

import { send } from "../api.js";

const PIECE = 1 << 19;

/** A table that grows as it is asked for. */
export class CsvFile {
  /** `url`: where the file is; `size`: its length in bytes. */
  constructor(url, size) {
    this.url = url;
    this.size = size;
    this.header = [];
    this.rows = [];
    this.read = 0; // bytes so far
    this.rest = "";
    this.decoder = new TextDecoder("utf-8");
  }

  /** Whether all of it has been read. */
  get isWhole() {
    return this.read >= this.size;
  }

  /** Read until there are `count` rows, or the file or `mostBytes` of it end. */
  async fill(count, signal, mostBytes = Infinity) {
    while (this.rows.length < count && !this.isWhole && this.read < mostBytes) await this.#piece(signal);
  }

  async #piece(signal) {
    const end = Math.min(this.read + PIECE, this.size) - 1;
    const reply = await send(this.url, { headers: { Range: `bytes=${this.read}-${end}` }, signal });
    const content = await reply.arrayBuffer();
    this.read += content.byteLength;
    if (content.byteLength === 0) this.read = this.size;
    const text = this.rest + this.decoder.decode(content, { stream: !this.isWhole });
    const { rows, rest } = parseRows(text, this.isWhole);
    this.rest = rest;
    if (this.header.length === 0 && rows.length > 0) {
      this.header = rows.shift();
      this.header[0] = this.header[0].replace(/^\ufeff/, "");
    }
    for (const row of rows) if (row.length > 1 || row[0] !== "") this.rows.push(row);
  }
}

/** Return the rows of a CSV text, and what is left of it when its end is not known yet. */
export function parseRows(text, isLast) {
  const rows = [];
  let row = [];
  let start = 0; // of the row
  let at = 0;
  while (at < text.length) {
    const [value, next] = text[at] === '"' ? quoted(text, at) : bare(text, at);
    if (next >= text.length && !isLast) break;
    row.push(value);
    at = next + 1;
    if (text[next] === ",") {
      if (at === text.length && isLast) row.push("");
      else continue;
    }
    rows.push(row);
    row = [];
    start = at;
  }
  return { rows, rest: isLast ? "" : text.slice(start) };
}

function bare(text, at) {
  let next = at;
  while (next < text.length && text[next] !== "," && text[next] !== "\n") next += 1;
  const end = text[next - 1] === "\r" && text[next] !== "," ? next - 1 : next;
  return [text.slice(at, Math.max(end, at)), next];
}

function quoted(text, at) {
  let value = "";
  let next = at + 1;
  for (;;) {
    const quote = text.indexOf('"', next);
    if (quote < 0) return [value + text.slice(next), text.length];
    value += text.slice(next, quote);
    if (text[quote + 1] !== '"') {
      const [, end] = bare(text, quote + 1);
      return [value, end];
    }
    value += '"';
    next = quote + 2;
  }
}
