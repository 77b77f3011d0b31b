/**
 * The independent check of every gradient in these tests: central differences in float64 over any nesting of
 * numbers, arrays, typed arrays and objects.
 */
import { expect } from "@jest/globals";
import { moved, tangent, zeroTangent } from "@pullback/autodiff";

type Path = readonly (string | number)[];

function* numberPaths(value: unknown, path: Path = []): Generator<Path> {
  if (typeof value === "number") yield path;
  else if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    const items = value as ArrayLike<unknown>;
    for (let i = 0; i < items.length; i++) yield* numberPaths(items[i], [...path, i]);
  } else if (value !== null && typeof value === "object")
    for (const key of Object.keys(value)) yield* numberPaths((value as Record<string, unknown>)[key], [...path, key]);
}

function atPath(value: unknown, path: Path): unknown {
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
  const holder = atPath(result, path.slice(0, -1)) as Record<string | number, number>;
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
      const actual = atPath(gradients[i], path);
      if (actual === undefined) continue;
      const x = atPath(argument, path) as number;
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
      if (typeof atPath(args[i], path) !== "number") expect(`${where} has a tangent`).toBe(`${where} is no number`);
    }
  });
}

/** A tangent of `value` with a different number in every slot. */
function someTangent(value: unknown): unknown {
  let n = 0;
  return tangent.map((): number => Math.sin(++n * 1.7 + 0.3), zeroTangent(value as number));
}

/**
 * Expects `push(tangents)` to be the directional derivative of f at the arguments, every number of its result: central
 * differences along a direction with a different slope in every number. All arguments must be differentiable.
 */
export function expectDirectional(
  f: (...args: never[]) => unknown,
  args: readonly unknown[],
  push: (...tangents: never[]) => unknown,
  tolerance = 1e-6,
): void {
  const direction = args.map(someTangent);
  const h = 1e-5;
  const at = (step: number) => {
    const scaled = direction.map((t) => tangent.scale(t as number, step));
    return f(...(args.map((a, i) => moved(copy(a) as number, scaled[i] as number)) as never[]));
  };
  const [after, before] = [at(h), at(-h)];
  const actual = push(...(direction as never[]));
  let compared = 0;
  for (const path of numberPaths(actual)) {
    const expected = ((atPath(after, path) as number) - (atPath(before, path) as number)) / (2 * h);
    const found = atPath(actual, path) as number;
    const error = Math.abs(found - expected) / Math.max(1, Math.abs(expected));
    if (!(error <= tolerance)) expect(`${path.join(".")}: ${found}`).toBe(`${path.join(".")}: ${expected}`);
    compared++;
  }
  expect(compared).toBeGreaterThan(0);
}
