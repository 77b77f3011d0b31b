/** Tangents as vectors: algebra over whole trees, so that an optimizer is a few lines. */
import { PullbackError } from "../errors.ts";
import { type Any, vectorOf } from "../protocol/index.ts";
import { fieldShape, fieldsOf, getField, structureOf } from "../structure/index.ts";
import { ofPrimal, primalOf } from "./primal.ts";

const join = (path: string, key: unknown) => (path === "" ? String(key) : `${path}.${key}`);

/** The content of `tree` at a key of the first tree: an index, a Map key or a field. */
function child(tree: Any, structure: string, key: Any): Any {
  if (tree === undefined || tree === null) return undefined;
  if (structure === "map") return tree.get(key);
  return structure === "struct" ? getField(tree, key) : tree[key];
}

type Step = (leaves: Any[], path: string) => Any;

function walk(step: Step, trees: readonly Any[], path: string, strict: boolean): Any {
  const [first] = trees;
  const structure = structureOf(first);
  if (structure === "none") return undefined;
  if (strict) requireSameStructure(trees, structure, path);
  if (structure === "number" || structure === "leaf") return step(trees as Any[], path);
  const inner = (key: Any) =>
    walk(
      step,
      trees.map((tree) => child(tree, structure, key)),
      join(path, key),
      strict,
    );
  if (structure === "floats") {
    const result = first.slice();
    for (let i = 0; i < first.length; i++) result[i] = inner(i);
    return result;
  }
  if (structure === "array") return Array.from(first, (_, i) => inner(i));
  if (structure === "map") {
    const result = new Map();
    for (const key of first.keys()) result.set(key, inner(key));
    return result;
  }
  const result: Record<string, Any> = {};
  for (const field of fieldsOf(first)) {
    if (fieldShape(first, field) === "-" || structureOf(getField(first, field)) === "none") continue;
    result[field] = inner(field);
  }
  return result;
}

function requireSameStructure(trees: readonly Any[], structure: string, path: string): void {
  for (const [i, tree] of trees.entries()) {
    const sized = structure === "array" || structure === "floats";
    if (structureOf(tree) === structure && (!sized || tree.length === trees[0].length)) continue;
    const where = path === "" ? "at the root" : `at ${path}`;
    throw new PullbackError(`Tangents of different structure ${where}: tree 0 and tree ${i} do not match.`, {
      code: "PB2903",
      hint: "Combine tangents of the same value; use zeroTangent(value) where one of them is missing.",
    });
  }
}

/**
 * Calls `f(leaf, …others, path)` once per leaf of the first tree, with the leaves at the same path of the other trees
 * (`undefined` where they have none) and the path ("layers.0.weight", "" for a bare leaf), and returns the tree of the
 * results. `undefined` subtrees of the first tree stay `undefined`. Results may be of any type.
 */
function map(f: (...leavesAndPath: Any[]) => Any, ...trees: [Any, ...Any[]]): Any {
  return ofPrimal(
    walk((leaves, path) => f(...leaves, path), trees, "", false),
    primalOf(trees[0]),
  );
}

/** `map` over trees that must have the same structure: throws PB2903 with the path where one has not. */
function zip(f: (...leavesAndPath: Any[]) => Any, ...trees: [Any, Any, ...Any[]]): Any {
  return ofPrimal(
    walk((leaves, path) => f(...leaves, path), trees, "", true),
    primalOf(trees[0]),
  );
}

/** The sum of two tangents; an `undefined` subtree counts as zero. */
function add<T>(a: T, b: T): T {
  return ofPrimal(combine(a, b, 1), primalOf(a) ?? primalOf(b)) as T;
}

/** The difference of two tangents; an `undefined` subtree counts as zero. */
function sub<T>(a: T, b: T): T {
  return ofPrimal(combine(a, b, -1), primalOf(a) ?? primalOf(b)) as T;
}

function combine(a: Any, b: Any, sign: 1 | -1): Any {
  if (a === undefined) return sign === 1 || b === undefined ? b : scale(b, -1);
  if (b === undefined) return a;
  const structure = structureOf(a);
  if (structure === "number" || structure === "leaf") {
    requireSameStructure([a, b], structure, "");
    return sign === 1 ? vectorOf(a).add(a, b) : vectorOf(a).subtract(a, b);
  }
  if (structure === "none") return undefined;
  requireSameStructure([a, b], structure, "");
  if (structure === "floats") return a.map((x: number, i: number) => x + sign * b[i]);
  if (structure === "array") return a.map((x: Any, i: number) => combine(x, b[i], sign));
  if (structure === "map") {
    return new Map([...new Set([...a.keys(), ...b.keys()])].map((key) => [key, combine(a.get(key), b.get(key), sign)]));
  }
  const result: Record<string, Any> = {};
  for (const field of new Set([...fieldsOf(a), ...fieldsOf(b)])) result[field] = combine(a[field], b[field], sign);
  return result;
}

/** The tangent times a number. */
function scale<T>(t: T, factor: number): T {
  return map((leaf: Any) => vectorOf(leaf).scale(leaf, factor), t);
}

/** The inner product of two tangents: the sum over all leaves. */
function dot<T>(a: T, b: T): number {
  let sum = 0;
  map(
    (x: Any, y: Any) => {
      if (y !== undefined) sum += vectorOf(x).dot(x, y);
    },
    a,
    b,
  );
  return sum;
}

/** The Euclidean norm of a whole tangent. */
function norm<T>(t: T): number {
  return Math.sqrt(dot(t, t));
}

export const tangent = { add, sub, scale, dot, norm, map, zip };
