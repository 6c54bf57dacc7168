/** Numbers, times and sizes as people read them. */

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric" });

/** Return a number with about `digits` significant ones. */
export function number(value, digits = 4) {
  if (value === null || value === undefined || value === "") return "";
  const size = Math.abs(value);
  if (!Number.isFinite(size)) return String(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return Number(value.toPrecision(Math.min(digits, 3))).toExponential().replace("e+", "e");
  const shown = Number(value.toPrecision(Math.max(digits, Math.ceil(Math.log10(size + 1)))));
  return shown.toLocaleString("en", { maximumFractionDigits: 10, useGrouping: size >= 1e4 }).replaceAll(",", "\u202f");
}

/** Return seconds as a duration. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 119.5) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${(seconds / 3600).toFixed(1)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

/** Return how long something that began and perhaps ended took, or has taken so far. */
export function elapsed(started, ended) {
  if (!started) return "";
  const end = ended ? Date.parse(ended) : Date.now();
  return duration(Math.max(0, end - Date.parse(started)) / 1000);
}

/** Return a time as a clock shows it, with the day when that is not today. */
export function time(text) {
  if (!text) return "";
  const moment = new Date(text);
  const today = DAY.format(new Date()) === DAY.format(moment);
  return today ? CLOCK.format(moment) : `${DAY.format(moment)}, ${CLOCK.format(moment)}`;
}

/** Return how long ago a time was. */
export function ago(text) {
  const seconds = (Date.now() - Date.parse(text)) / 1000;
  if (seconds < 5) return "just now";
  return seconds < 86400 ? `${duration(seconds).replace(/\.\d/, "")} ago` : time(text);
}

/** Return a size in bytes. */
export function bytes(count) {
  if (count === null || count === undefined) return "";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let value = count;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toPrecision(2)} ${units[unit]}`;
}

/** Return an interval of seconds left as a phrase. */
export function timeLeft(range) {
  if (!range) return "";
  const [low, high] = range.map(duration);
  return low === high ? `about ${low} left` : `${low} to ${high} left`;
}

/** Return a count and its noun. */
export function count(number, noun, plural = `${noun}s`) {
  return `${number} ${number === 1 ? noun : plural}`;
}

/** Return the id as people see it: enough of it to find it again. */
export function shortId(id) {
  return id.slice(0, 13);
}
