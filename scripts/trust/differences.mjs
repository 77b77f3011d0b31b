// Central differences in float64 over any nesting of numbers, arrays, typed arrays, Maps and objects.

const isIndexed = (value) => Array.isArray(value) || ArrayBuffer.isView(value);

/** Paths to every number in a value; a key of a Map stands as `{ key }`. */
export function* places(value, path = [], seen = new Set()) {
  if (typeof value === "number") yield path;
  else if (value instanceof Map)
    for (const key of value.keys()) yield* places(value.get(key), [...path, { key }], seen);
  else if (isIndexed(value)) for (let i = 0; i < value.length; i++) yield* places(value[i], [...path, i], seen);
  else if (typeof value === "object" && value !== null && !seen.has(value)) {
    seen.add(value);
    for (const key of Object.keys(value)) yield* places(value[key], [...path, key], seen);
  }
}

const step = (value, key) => (typeof key === "object" ? value?.get?.(key.key) : value?.[key]);
export const at = (value, path) => path.reduce(step, value);
export const text = (path) => path.map((key) => (typeof key === "object" ? key.key : key)).join(".");

function add(args, path, by) {
  const holder = at(args, path.slice(0, -1));
  const key = path.at(-1);
  if (typeof key === "object") holder.set(key.key, holder.get(key.key) + by);
  else holder[key] += by;
  return args;
}

/** The derivative of `f` along one number of its arguments, which `args` makes afresh. */
export function difference(f, args, path) {
  return extrapolated((h) => (f(...add(args(), path, h)) - f(...add(args(), path, -h))) / (2 * h));
}

/** The derivative of `f` along a tangent of its arguments, of any structure. */
export function differenceAlong(f, args, tangent) {
  const moved = along(args, tangent);
  return extrapolated((h) => (f(...moved(h)) - f(...moved(-h))) / (2 * h));
}

/** The same for a function whose result is a tree of numbers: what it answers gives the derivative at a path. */
export function differencesAlong(f, args, tangent) {
  const moved = along(args, tangent);
  const values = new Map([coarseStep, fineStep].flatMap((h) => [h, -h]).map((h) => [h, f(...moved(h))]));
  return (path) => extrapolated((h) => (at(values.get(h), path) - at(values.get(-h), path)) / (2 * h));
}

/** Arguments `h` times a tangent away. */
function along(args, tangent) {
  return (h) => {
    const start = args();
    for (const path of places(args())) {
      const t = at(tangent, path);
      if (typeof t === "number") add(start, path, h * t);
    }
    return start;
  };
}

const coarseStep = 2e-4;
const fineStep = 1e-4;

/** From two step sizes (Richardson); undefined next to a kink, where the two disagree. */
function extrapolated(slope) {
  const coarse = slope(coarseStep);
  const fine = slope(fineStep);
  return Math.abs(fine - coarse) > 1e-5 * (1 + Math.abs(fine)) ? undefined : (4 * fine - coarse) / 3;
}

export const agrees = (actual, expected) => Math.abs(actual - expected) <= 2e-6 * (1 + Math.abs(expected));
