/** Maps values to places on an axis, and chooses round ticks. */

/** Return a linear axis over the values, with about `count` ticks at round numbers. */
export function linear(low, high, from, to, count = 5) {
  if (low === high) [low, high] = [low - (Math.abs(low) * 0.05 || 1), high + (Math.abs(high) * 0.05 || 1)];
  const step = roundStep((high - low) / count);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  const ticks = [];
  for (let i = first; i <= last; i += 1) ticks.push(Number((i * step).toPrecision(12)));
  const [bottom, top] = [first * step, last * step];
  return { place: (value) => from + ((value - bottom) / (top - bottom)) * (to - from), ticks };
}

/** Return a linear axis that ends where the values do, with ticks inside. */
export function tight(low, high, from, to, count = 6) {
  if (low === high) [low, high] = [low - 0.5, high + 0.5];
  const isWhole = Number.isInteger(low) && Number.isInteger(high);
  const step = Math.max(roundStep((high - low) / count), isWhole ? 1 : 0);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i += 1) ticks.push(Number((i * step).toPrecision(12)));
  return { place: (value) => from + ((value - low) / (high - low)) * (to - from), ticks };
}

/** Return a logarithmic axis with ticks at powers of ten. */
export function logarithmic(low, high, from, to) {
  const first = Math.floor(Math.log10(low) + 1e-9);
  const last = Math.max(Math.ceil(Math.log10(high) - 1e-9), first + 1);
  const every = Math.ceil((last - first) / 8);
  const ticks = [];
  for (let i = first; i <= last; i += every) ticks.push(10 ** i);
  return { place: (value) => from + ((Math.log10(value) - first) / (last - first)) * (to - from), ticks };
}

function roundStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough));
  const share = rough / power;
  if (share <= 1) return power;
  if (share <= 2) return 2 * power;
  return share <= 5 ? 5 * power : 10 * power;
}
