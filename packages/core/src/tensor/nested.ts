/** Nested arrays, the way tensors are written down and read back. */
import { ShapeError } from "../errors.ts";
import type { Shape } from "../shape.ts";
import { formatShape, sizeOf } from "../shape.ts";

/** Numbers or booleans in arrays of any depth; every array of one depth has the same length. */
export type NestedArray = number | boolean | readonly NestedArray[];

/** The shape of a nested array, read along its first entries. */
export function shapeOfNested(data: NestedArray): number[] {
  const shape: number[] = [];
  let level: NestedArray | undefined = data;
  while (Array.isArray(level)) {
    shape.push(level.length);
    level = level[0];
  }
  return shape;
}

/** The elements in row-major order. @throws ShapeError where the nesting is ragged. */
export function flattenNested(data: NestedArray, shape: Shape): (number | boolean)[] {
  const flat: (number | boolean)[] = [];
  const visit = (entry: NestedArray, depth: number): void => {
    if (depth === shape.length) {
      if (typeof entry !== "number" && typeof entry !== "boolean")
        throw new ShapeError(`tensor: an element is ${describe(entry)}, not a number or boolean, at depth ${depth}.`);
      flat.push(entry);
      return;
    }
    if (!Array.isArray(entry) || entry.length !== shape[depth])
      throw new ShapeError(
        `tensor: the nested array is ragged: at depth ${depth} an entry is ${describe(entry)} where the first says ` +
          `an array of ${shape[depth]} (shape ${formatShape(shape)}).`,
      );
    for (const inner of entry) visit(inner, depth + 1);
  };
  visit(data, 0);
  return flat;
}

function describe(entry: unknown): string {
  if (Array.isArray(entry)) return `an array of ${entry.length}`;
  return entry === null || entry === undefined
    ? String(entry)
    : typeof entry === "object"
      ? "an object"
      : `the ${typeof entry} ${String(entry)}`;
}

/** Row-major elements as nested arrays of the given shape; `at` reads one element. */
export function nest<E extends number | boolean>(shape: Shape, at: (position: number) => E): NestedArray {
  const build = (depth: number, start: number, count: number): NestedArray => {
    if (depth === shape.length) return at(start);
    const extent = shape[depth]!;
    const inner = extent === 0 ? 0 : count / extent;
    return Array.from({ length: extent }, (_, i) => build(depth + 1, start + i * inner, inner));
  };
  return build(0, 0, sizeOf(shape));
}
