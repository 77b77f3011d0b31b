/** Gradients by central differences in float64, for values made of numbers, arrays, typed arrays, Maps and objects. */

/** A deep copy that keeps prototypes; everything that is not a container is shared. */
export function copyOf(value: any): any {
  if (typeof value !== "object" || value === null) return value;
  if (ArrayBuffer.isView(value)) return (value as Float64Array).slice();
  if (Array.isArray(value)) return value.map(copyOf);
  if (value instanceof Map) return new Map(Array.from(value, ([key, item]) => [key, copyOf(item)]));
  const copy = Object.create(Object.getPrototypeOf(value));
  for (const key of Object.keys(value)) copy[key] = copyOf(value[key]);
  return copy;
}

/** One entry per argument: its structure with d f / d slot in every number's place, `undefined` elsewhere. */
export function centralDifferences(f: (...args: any[]) => number, args: readonly any[], h = 1e-6): any[] {
  const at = (path: readonly unknown[], step: number) => {
    const copy = copyOf(args);
    let holder = copy;
    for (const key of path.slice(0, -1)) holder = holder instanceof Map ? holder.get(key) : holder[key as string];
    const last = path[path.length - 1] as string;
    if (holder instanceof Map) holder.set(last, holder.get(last) + step);
    else holder[last] += step;
    return f(...copy);
  };
  const slope = (value: any, path: readonly unknown[]): any => {
    if (typeof value === "number") return (at(path, h) - at(path, -h)) / (2 * h);
    if (typeof value !== "object" || value === null) return undefined;
    if (ArrayBuffer.isView(value)) return Array.from(value as Float64Array, (x, i) => slope(x, [...path, i]));
    if (Array.isArray(value)) return value.map((x, i) => slope(x, [...path, i]));
    if (value instanceof Map) return new Map(Array.from(value, ([key, x]) => [key, slope(x, [...path, key])]));
    return Object.fromEntries(Object.keys(value).map((key) => [key, slope(value[key], [...path, key])]));
  };
  return args.map((value, i) => slope(value, [i]));
}
