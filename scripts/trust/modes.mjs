// The modes in which every fixture is differentiated beside reverse mode, each compared with central differences of the
// next lower order: forward mode with the function itself, the two second orders with its gradient. All along one
// direction, drawn from a fixed seed.
import { agrees, at, differenceAlong, differencesAlong, places, text } from "./differences.mjs";
import { random } from "./generate/index.mjs";

export const modes = [
  {
    name: "JVP",
    operator: "differential(f)",
    // One number: the derivative along the direction.
    check: ({ compiled, f, make, direction }) =>
      single(compiled(...make())(...direction), differenceAlong(f, make, direction)),
  },
  {
    name: "VJP of VJP",
    operator: "pullback(gradient(f))",
    check: ({ compiled, gradient, make, direction, bare }) => {
      const product = compiled(...make())(direction.length === 1 ? direction[0] : direction);
      return product2(bare(product), gradient, make, direction);
    },
  },
  {
    name: "JVP of VJP",
    operator: "differential(gradient(f))",
    check: ({ compiled, gradient, make, direction, bare }) =>
      product2(bare(compiled(...make())(...direction)), gradient, make, direction),
  },
];

const single = (actual, expected) => [{ path: "", actual, expected }];

/** Every entry of the Hessian times the direction. */
function product2(product, gradient, make, direction) {
  const expectedAt = differencesAlong((...args) => gradient(args), make, direction);
  return [...places(make())].flatMap((path) => {
    if (typeof at(direction, path) !== "number") return [];
    return [{ path: text(path), actual: at(product, path) ?? 0, expected: expectedAt(path) }];
  });
}

/** A tangent with the structure of `gradient`, with numbers of its own where the arguments show one. */
export function directionOf(gradient, args, seed) {
  const next = random(seed);
  const fill = (tangent, path) => {
    if (typeof tangent === "number") return typeof at(args, path) === "number" ? next() * 2 - 1 : 0;
    if (Array.isArray(tangent)) return tangent.map((item, i) => fill(item, [...path, i]));
    if (ArrayBuffer.isView(tangent)) return tangent.map((item, i) => fill(item, [...path, i]));
    if (tangent instanceof Map)
      return new Map([...tangent].map(([key, item]) => [key, fill(item, [...path, { key }])]));
    if (typeof tangent !== "object" || tangent === null) return tangent;
    return Object.fromEntries(Object.entries(tangent).map(([key, item]) => [key, fill(item, [...path, key])]));
  };
  return fill(gradient, []);
}

/** What disagrees with central differences, in words; undefined where all is well. */
export function disagreement(entries) {
  for (const { path, actual, expected } of entries) {
    if (expected === undefined) return `${path} is next to a kink`;
    if (!agrees(actual, expected)) return `${path} is ${actual}, central differences give ${expected}`;
  }
  return undefined;
}
