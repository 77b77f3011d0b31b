/** Array methods that change their array, as loops over loads, stores, pushes and pops. */
import type ts from "typescript";
import { type Callee, elementType, type Value } from "../../hir/index.ts";
import { at, bound, copyRange, eachIndex, int, maximum, minimum, sortingPermutation, zero } from "./arrays.ts";
import { expression } from "./expressions.ts";
import type { Lowering } from "./lowering.ts";

/** Lowers a call of a method that changes `array`; undefined for methods that are none of these. */
export function inPlaceMethod(s: Lowering, call: ts.CallExpression, name: string, array: Value): Value | undefined {
  const [first] = call.arguments;
  const length = () => s.at(call).length(array);
  switch (name) {
    case "fill": {
      if (first === undefined) return undefined;
      const filler = expression(s, first);
      const n = length();
      const from = bound(s, call.arguments[1], n, zero(s));
      const to = bound(s, call.arguments[2], n, n);
      eachIndex(s, to, (i) => s.builder.store(array, i, filler), { start: from });
      return array;
    }
    case "reverse": {
      const n = length();
      const before = copyOf(s, array, n);
      const last = minus(s, n, s.builder.const(1, int));
      eachIndex(s, n, (i) => s.builder.store(array, i, at(s, before, minus(s, last, i))));
      return array;
    }
    case "sort": {
      const n = length();
      const before = copyOf(s, array, n);
      const order = sortingPermutation(s, before, first);
      eachIndex(s, n, (i) => s.builder.store(array, i, at(s, before, s.builder.load(order, i, { type: int }))));
      return array;
    }
    case "copyWithin": {
      if (first === undefined) return undefined;
      const n = length();
      const target = bound(s, first, n, zero(s));
      const from = bound(s, call.arguments[1], n, zero(s));
      const to = bound(s, call.arguments[2], n, n);
      const part = copyRange(s, array, from, to, { kind: "array", element: elementType(array.type) });
      const count = minimum(s, s.builder.length(part), minus(s, n, target));
      eachIndex(s, count, (i) => s.builder.store(array, plus(s, target, i), at(s, part, i)));
      return array;
    }
    case "set": {
      if (array.type.kind !== "array" || array.type.typed === undefined || first === undefined) return undefined;
      const source = expression(s, first);
      const offset = call.arguments[1] === undefined ? zero(s) : expression(s, call.arguments[1]);
      s.at(call);
      eachIndex(s, s.builder.length(source), (i) => s.builder.store(array, plus(s, offset, i), at(s, source, i)));
      return s.undefinedValue();
    }
    case "subarray": {
      const args = call.arguments.map((argument) => expression(s, argument));
      const view: Callee = { kind: "inert", text: name, file: "", method: name };
      return s.at(call).call(view, [array, ...args], s.types.at(call));
    }
    case "splice":
      return first === undefined ? undefined : splice(s, call, array);
    case "shift":
      return shift(s, call, array);
    case "unshift":
      return unshift(s, call, array);
    default:
      return undefined;
  }
}

const plus = (s: Lowering, a: Value, b: Value) => s.builder.prim("+", [a, b], int);
const minus = (s: Lowering, a: Value, b: Value) => s.builder.prim("-", [a, b], int);

function copyOf(s: Lowering, array: Value, n: Value): Value {
  return copyRange(s, array, zero(s), n, { kind: "array", element: elementType(array.type) });
}

/** Everything from `start` on is taken off, and what follows the removed elements is put back behind the new ones. */
export function splice(s: Lowering, call: ts.CallExpression, array: Value): Value {
  const [first, second, ...items] = call.arguments;
  const from = first === undefined ? undefined : expression(s, first);
  const wanted = second === undefined ? undefined : expression(s, second);
  const inserted = items.map((item) => expression(s, item));
  const n = s.at(call).length(array);
  const start = bound(s, first, n, zero(s), from);
  const rest = minus(s, n, start);
  const count = wanted === undefined ? rest : minimum(s, maximum(s, wanted, zero(s)), rest);
  const end = plus(s, start, count);
  const type = s.types.at(call);
  const removed = copyRange(
    s,
    array,
    start,
    end,
    type.kind === "array" ? type : { kind: "array", element: elementType(array.type) },
  );
  const tail = copyRange(s, array, end, n, { kind: "array", element: elementType(array.type) });
  shorten(s, array, rest);
  for (const item of inserted) s.builder.push(array, item);
  eachIndex(s, s.builder.length(tail), (i) => s.builder.push(array, at(s, tail, i)));
  return removed;
}

/** Takes `count` elements off the end. */
function shorten(s: Lowering, array: Value, count: Value): void {
  eachIndex(s, count, () => s.builder.pop(array));
}

function shift(s: Lowering, call: ts.CallExpression, array: Value): Value {
  const n = s.at(call).length(array);
  return s.select(
    s.builder.prim(">", [n, zero(s)]),
    () => {
      const first = at(s, array, zero(s));
      const one = s.builder.const(1, int);
      eachIndex(s, n, (i) => s.builder.store(array, minus(s, i, one), at(s, array, i)), { start: one });
      s.builder.pop(array);
      return first;
    },
    () => s.undefinedValue(),
    s.types.at(call),
  );
}

/** The array grows at its end, and its elements move up from the last one on. */
function unshift(s: Lowering, call: ts.CallExpression, array: Value): Value {
  const items = call.arguments.map((item) => expression(s, item));
  const n = s.at(call).length(array);
  const count = s.builder.const(items.length, int);
  const last = minus(s, n, s.builder.const(1, int));
  for (const item of items) s.builder.push(array, item);
  eachIndex(s, n, (k) => {
    const i = minus(s, last, k);
    s.builder.store(array, plus(s, i, count), at(s, array, i));
  });
  items.forEach((item, i) => {
    s.builder.store(array, s.builder.const(i, int), item);
  });
  return s.builder.length(array);
}

/** `array.length = n`: elements go, or empty ones come. */
export function setLength(s: Lowering, array: Value, n: Value): void {
  const before = s.builder.length(array);
  shorten(s, array, minus(s, before, n));
  eachIndex(s, n, () => s.builder.push(array, s.undefinedValue()), { start: before });
}
