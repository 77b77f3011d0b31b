/**
 * The independent check of every gradient in these tests: central differences in float64 over any nesting of
 * numbers, arrays, typed arrays and objects.
 */
import { expect } from "@jest/globals";

type Path = readonly (string | number)[];

function* numberPaths(value: unknown, path: Path = []): Generator<Path> {
  if (typeof value === "number") yield path;
  else if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    const items = value as ArrayLike<unknown>;
    for (let i = 0; i < items.length; i++) yield* numberPaths(items[i], [...path, i]);
  } else if (value !== null && typeof value === "object")
    for (const key of Object.keys(value)) yield* numberPaths((value as Record<string, unknown>)[key], [...path, key]);
}

function at(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Record<string | number, unknown> | undefined)?.[key], value);
}

function copy<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copy) as T;
  if (ArrayBuffer.isView(value)) return (value as unknown as Float64Array).slice() as T;
  if (value !== null && typeof value === "object")
    return Object.assign(
      Object.create(Object.getPrototypeOf(value)),
      Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copy(item)])),
    );
  return value;
}

function nudged<T>(value: T, path: Path, by: number): T {
  if (path.length === 0) return ((value as number) + by) as T;
  const result = copy(value);
  const holder = at(result, path.slice(0, -1)) as Record<string | number, number>;
  holder[path[path.length - 1]] += by;
  return result;
}

/**
 * Expects `gradients[i]` to hold df/d(argument i) at every number of argument i that the gradient mentions; numbers
 * in the arguments that the gradient leaves out (inert fields) are not checked.
 */
export function expectCentralDifferences(
  f: (...args: never[]) => number,
  args: readonly unknown[],
  gradients: readonly unknown[],
  tolerance = 1e-6,
): void {
  let compared = 0;
  args.forEach((argument, i) => {
    for (const path of numberPaths(argument)) {
      const actual = at(gradients[i], path);
      if (actual === undefined) continue;
      const x = at(argument, path) as number;
      const h = 1e-5 * Math.max(1, Math.abs(x));
      const call = (by: number) => {
        const moved = args.map(copy);
        moved[i] = nudged(argument, path, by);
        return f(...(moved as never[]));
      };
      const expected = (call(h) - call(-h)) / (2 * h);
      const where = `argument ${i}${path.map((key) => `.${key}`).join("")}`;
      const error = Math.abs((actual as number) - expected) / Math.max(1, Math.abs(expected));
      if (!(error <= tolerance)) expect(`${where}: ${actual}`).toBe(`${where}: ${expected}`);
      compared++;
    }
  });
  expect(compared).toBeGreaterThan(0);
  // A tangent has no slots of its own: what is absent in the value is absent in its tangent.
  gradients.forEach((gradient, i) => {
    for (const path of numberPaths(gradient)) {
      const where = `argument ${i}${path.map((key) => `.${key}`).join("")}`;
      if (typeof at(args[i], path) !== "number") expect(`${where} has a tangent`).toBe(`${where} is no number`);
    }
  });
}
