/** Array methods as loops, so that they are differentiated like any loop. */
import type ts from "typescript";
import { elementType, type Type, type Value } from "../../hir/index.ts";
import { inert } from "../types/index.ts";
import { inPlaceMethod, splice } from "./arrays-in-place.ts";
import { applied, type Callback } from "./callbacks.ts";
import type { Exit, Temporary, Variable } from "./environment.ts";
import { expression } from "./expressions.ts";
import { viewOf } from "./iteration.ts";
import type { Lowering } from "./lowering.ts";
import { opaqueValue } from "./opaque.ts";
import { mayAct } from "./quiet.ts";
import { listOf, type What } from "./records.ts";
import { transparent } from "./scan.ts";
import { raise } from "./try.ts";

export const int = inert("Int");
const boolean = inert("boolean");

export function zero(s: Lowering): Value {
  return s.builder.const(0, int);
}

/** `for (let i = 0; i < length; i++) body(i)`. */
export function eachIndex(
  s: Lowering,
  length: Value,
  body: (i: Value, exit: Exit) => void,
  options: { assigned?: Iterable<Variable>; outer?: readonly Exit[]; name?: string; start?: Value } = {},
): void {
  const { span } = s.builder;
  const start = options.start ?? zero(s);
  s.loop({
    span,
    assigned: options.assigned ?? [],
    outer: options.outer ?? [],
    counted: {
      start,
      end: length,
      comparison: "<",
      step: 1,
      ...(options.name === undefined ? {} : { name: options.name }),
    },
    body: (i, exit) => body(i!, exit),
  });
}

/** A fresh array that a loop fills: numbers into their places, other elements one after the other. */
function fresh(s: Lowering, length: Value, type: Type): { array: Value; put(i: Value, value: Value): void } {
  const element = elementType(type);
  if (element.kind === "number") {
    const typed = type.kind === "array" && type.typed !== undefined;
    const array = typed
      ? s.builder.newArray(length, undefined, type)
      : s.builder.newArray(length, s.builder.const(0), type);
    return { array, put: (i, value) => s.builder.store(array, i, value) };
  }
  const array = s.builder.array([], type);
  return { array, put: (_i, value) => s.builder.push(array, value) };
}

/** Loads with an index that the program knows to be in range. */
export function at(s: Lowering, array: Value, i: Value): Value {
  return s.builder.load(array, i, { type: elementType(array.type) });
}

/** `array.slice(from, to)` for indices that are in range. */
export function copyRange(s: Lowering, source: Value, from: Value, to: Value, type: Type): Value {
  const result: Type = type.kind === "tuple" ? { kind: "array", element: elementType(type) } : type;
  const length = s.builder.math("max", [s.builder.prim("-", [to, from], int), zero(s)]);
  (length as { type: Type }).type = int;
  const { array, put } = fresh(s, length, result);
  eachIndex(s, length, (i) => put(i, at(s, source, s.builder.prim("+", [from, i], int))));
  return array;
}

/** Turns a slice bound, negative ones counted from the end, into an index in range. */
export function bound(
  s: Lowering,
  node: ts.Expression | undefined,
  length: Value,
  otherwise: Value,
  evaluated?: Value,
): Value {
  if (node === undefined) return otherwise;
  const literal = s.ts.isNumericLiteral(node) ? Number(node.text) : undefined;
  const given = evaluated ?? expression(s, node);
  const b = s.at(node);
  const from =
    literal !== undefined
      ? given
      : s.select(
          b.prim("<", [given, zero(s)]),
          () => maximum(s, s.builder.prim("+", [length, given], int), zero(s)),
          () => given,
          int,
        );
  return minimum(s, from, length);
}

export function minimum(s: Lowering, a: Value, b: Value): Value {
  const value = s.builder.math("min", [a, b]);
  (value as { type: Type }).type = int;
  return value;
}

export function maximum(s: Lowering, a: Value, b: Value): Value {
  const value = s.builder.math("max", [a, b]);
  (value as { type: Type }).type = int;
  return value;
}

export function temporary(s: Lowering, name: string, value: Value, type: Type): Temporary {
  const variable: Temporary = { temporary: name, type };
  s.environment.variables.set(variable, value);
  return variable;
}

function take(s: Lowering, variable: Temporary): Value {
  const value = s.environment.variables.get(variable)!;
  s.environment.variables.delete(variable);
  return value;
}

/** Lowers a call of an array method; undefined for methods that are none of these. */
export function arrayMethod(s: Lowering, call: ts.CallExpression, name: string, array: Value): Value | undefined {
  const first = call.arguments[0];
  const type = s.types.at(call);
  const element = elementType(array.type);
  if (call.arguments.some((argument) => s.ts.isSpreadElement(argument)) && name !== "push" && name !== "concat")
    return undefined;
  const value = (node: ts.Expression) => expression(s, node);
  const length = () => s.at(call).length(array);
  const copied = () => copyRange(s, array, zero(s), length(), type);
  switch (name) {
    case "map": {
      const f = applied(s, first!);
      const n = length();
      const { array: result, put } = fresh(s, n, type);
      eachIndex(s, n, (i) => put(i, f.call([at(s, array, i), i, array])), loopOf(f));
      return result;
    }
    case "flatMap": {
      const f = applied(s, first!);
      const result = s.at(call).array([], type);
      const nested = s.host.checker.isArrayType(s.host.checker.getReturnTypeOfSignature(signatureOf(s, first!)));
      eachIndex(
        s,
        length(),
        (i) => {
          const part = f.call([at(s, array, i), i, array]);
          if (!nested) s.builder.push(result, part);
          else eachIndex(s, s.builder.length(part), (j) => s.builder.push(result, at(s, part, j)), { name: "j" });
        },
        loopOf(f),
      );
      return result;
    }
    case "flat": {
      const depth = first === undefined ? 1 : s.ts.isNumericLiteral(first) ? Number(first.text) : undefined;
      return depth === undefined ? undefined : flattened(s, call, array, type, depth);
    }
    case "forEach": {
      const f = applied(s, first!);
      eachIndex(s, length(), (i) => f.call([at(s, array, i), i, array]), loopOf(f));
      return s.undefinedValue();
    }
    case "filter": {
      const f = applied(s, first!);
      const result = s.at(call).array([], type.kind === "array" ? { kind: "array", element: type.element } : type);
      eachIndex(
        s,
        length(),
        (i) => {
          const x = at(s, array, i);
          s.conditional(
            f.call([x, i, array]),
            () => s.builder.push(result, x),
            () => {},
          );
        },
        loopOf(f),
      );
      return result;
    }
    case "reduce":
    case "reduceRight":
      return reduce(s, call, array, name === "reduceRight");
    case "some":
    case "every":
    case "find":
    case "findIndex":
    case "findLast":
    case "findLastIndex":
      return search(s, call, name, array, element);
    case "push": {
      for (const argument of call.arguments) {
        if (s.ts.isSpreadElement(argument)) {
          const more = expression(s, argument.expression);
          s.at(argument);
          eachIndex(s, s.builder.length(more), (i) => s.builder.push(array, at(s, more, i)));
        } else {
          const pushed = value(argument);
          s.at(call).push(array, pushed);
        }
      }
      return s.ts.isExpressionStatement(call.parent) ? s.undefinedValue() : length();
    }
    case "pop":
      return s.at(call).pop(array, type);
    case "slice": {
      const n = length();
      const from = bound(s, first, n, zero(s));
      const to = bound(s, call.arguments[1], n, n);
      return copyRange(s, array, from, to, type);
    }
    case "concat": {
      const parts: Value[] = [array];
      const spread = [true];
      for (const argument of call.arguments) {
        if (s.ts.isSpreadElement(argument)) return undefined;
        parts.push(value(argument));
        spread.push(["array", "tuple"].includes(s.types.at(argument).kind));
      }
      return s.at(call).array(parts, type, { spread });
    }
    case "at": {
      const given = value(first!);
      const n = length();
      const i = s.select(
        s.builder.prim("<", [given, zero(s)]),
        () => s.builder.prim("+", [n, given], int),
        () => given,
        int,
      );
      return s.builder.load(array, i, { type });
    }
    case "with": {
      const i = value(first!);
      const replacement = value(call.arguments[1]!);
      const result = copied();
      s.at(call).store(result, i, replacement);
      return result;
    }
    case "toReversed": {
      const n = length();
      const { array: result, put } = fresh(s, n, type);
      const last = s.builder.prim("-", [n, s.builder.const(1, int)], int);
      eachIndex(s, n, (i) => put(i, at(s, array, s.builder.prim("-", [last, i], int))));
      return result;
    }
    case "toSorted": {
      const order = sortingPermutation(s, array, first);
      const n = length();
      const { array: result, put } = fresh(s, n, type);
      eachIndex(s, n, (i) => put(i, at(s, array, s.builder.load(order, i, { type: int }))));
      return result;
    }
    case "toSpliced": {
      if (first === undefined) return undefined;
      const copy = copied();
      splice(s, call, copy);
      return copy;
    }
    case "includes":
    case "indexOf":
    case "lastIndexOf":
    case "join":
    case "toString": {
      const args = call.arguments.map(value);
      const answer = name === "includes" ? boolean : name === "join" || name === "toString" ? inert("string") : int;
      return s.at(call).call({ kind: "inert", text: name, file: "", method: name }, [array, ...args], answer);
    }
    default:
      return inPlaceMethod(s, call, name, array);
  }
}

/** `array.flat(depth)` where the types say how deep the arrays are nested; elements that are no arrays stay. */
function flattened(s: Lowering, call: ts.CallExpression, array: Value, type: Type, depth: number): Value | undefined {
  const isKnown = (of: Type, level: number): boolean =>
    level === 0 ||
    of.kind === "number" ||
    (of.kind === "array" && of.typed === undefined && isKnown(of.element, level - 1));
  if (!isKnown(elementType(array.type), depth)) return undefined;
  const result = s.at(call).array([], type);
  const pour = (from: Value, level: number): void =>
    eachIndex(
      s,
      s.builder.length(from),
      (i) => {
        const part = at(s, from, i);
        if (level > 0 && part.type.kind === "array") pour(part, level - 1);
        else s.builder.push(result, part);
      },
      level === depth ? {} : { name: "j" },
    );
  pour(array, depth);
  return result;
}

function loopOf(f: Callback): { assigned: Iterable<Variable>; name?: string } {
  return f.indexName === undefined ? { assigned: f.assigned } : { assigned: f.assigned, name: f.indexName };
}

function signatureOf(s: Lowering, node: ts.Expression): ts.Signature {
  return s.host.checker.getTypeAtLocation(node).getCallSignatures()[0]!;
}

function reduce(s: Lowering, call: ts.CallExpression, array: Value, right: boolean): Value {
  const [literal, initial] = call.arguments;
  const f = applied(s, literal!);
  const type = s.types.at(call);
  const n = s.at(call).length(array);
  const last = s.builder.prim("-", [n, s.builder.const(1, int)], int);
  const from = initial === undefined ? s.builder.const(1, int) : zero(s);
  const place = (i: Value) => (right ? s.builder.prim("-", [last, i], int) : i);
  let start: Value;
  if (initial !== undefined) start = expression(s, initial);
  else {
    s.conditional(
      s.builder.prim("===", [n, zero(s)]),
      () => {
        const text = 'new TypeError("Reduce of empty array with no initial value")';
        raise(s, s.builder.global(text));
      },
      () => {},
    );
    s.guards.settle();
    start = at(s, array, place(zero(s)));
  }
  s.at(call);
  const accumulator = temporary(s, f.firstName ?? "accumulator", start, type);
  eachIndex(
    s,
    n,
    (i) => {
      const k = place(i);
      // The call may merge branches, which makes a new environment: it is asked for afterwards.
      const next = f.call([s.environment.variables.get(accumulator)!, at(s, array, k), k, array]);
      s.environment.variables.set(accumulator, next);
    },
    { ...loopOf(f), assigned: [...f.assigned, accumulator], start: from },
  );
  return take(s, accumulator);
}

/** Loops that end at the first element that decides. */
function search(s: Lowering, call: ts.CallExpression, name: string, array: Value, element: Type): Value {
  const f = applied(s, call.arguments[0]!);
  const n = s.at(call).length(array);
  const backwards = name.startsWith("findLast");
  const finds = name === "find" || name === "findLast";
  const indexes = name === "findIndex" || name === "findLastIndex";
  const type = finds ? s.types.at(call) : indexes ? int : boolean;
  const start = finds ? s.undefinedValue() : s.builder.const(indexes ? -1 : name === "every", type);
  const answer = temporary(s, "found", start, type);
  const last = () => s.builder.prim("-", [n, s.builder.const(1, int)], int);
  const i = temporary(s, "i", backwards ? last() : zero(s), int);
  s.loop({
    span: s.builder.span,
    assigned: [...f.assigned, answer, i],
    outer: [],
    test: () => {
      const k = s.environment.variables.get(i)!;
      return backwards ? s.builder.prim(">=", [k, zero(s)]) : s.builder.prim("<", [k, n]);
    },
    body: (_index, exit) => {
      const k = s.environment.variables.get(i)!;
      const x = s.builder.load(array, k, { type: element });
      const decided = f.call([x, k, array]);
      s.conditional(
        name === "every" ? s.builder.prim("!", [decided]) : decided,
        () => {
          const found = finds ? x : indexes ? k : s.builder.const(name === "some", boolean);
          s.environment.variables.set(answer, found);
          s.leave(exit);
        },
        () => s.environment.variables.set(i, s.builder.prim(backwards ? "-" : "+", [k, s.builder.const(1, int)], int)),
      );
    },
  });
  s.environment.variables.delete(i);
  return take(s, answer);
}

/** The order that sorting would give, as indices: it does not depend smoothly on the elements. */
export function sortingPermutation(s: Lowering, array: Value, order: ts.Expression | undefined): Value {
  const refusal = { code: "PB4004", message: "The order of elements has no derivative." };
  const type: Type = inert("Int[]");
  const indices = "Array.from({ length: xs.length }, (_, i) => i)";
  if (order === undefined) {
    const smaller = "(String(xs[i]) < String(xs[j]) ? -1 : String(xs[i]) > String(xs[j]) ? 1 : 0)";
    const plain = array.type.kind === "array" && array.type.typed !== undefined ? "(xs[i] - xs[j])" : smaller;
    return opaqueValue(s, [`((xs) => ${indices}.sort((i, j) => ${plain}))(`, ")"], [array], type, refusal);
  }
  const compare = expression(s, order);
  return opaqueValue(
    s,
    [`((xs, order) => ${indices}.sort((i, j) => order(xs[i], xs[j])))(`, ", ", ")"],
    [array, compare],
    type,
    refusal,
    mayAct(s.host, order),
  );
}

/** `Array.from(…)`, `Float64Array.from(…)`, `Array.of(…)`; undefined where the argument is no array. */
export function arrayFrom(s: Lowering, call: ts.CallExpression, type: Type): Value | undefined {
  const { ts } = s;
  const [source, literal] = call.arguments;
  if (source === undefined || ts.isSpreadElement(source)) return undefined;
  const length = lengthObject(ts, source);
  if (length !== undefined) {
    const n = expression(s, length);
    s.at(call);
    if (literal === undefined) return s.builder.newArray(n, s.undefinedValue(), type);
    const f = applied(s, literal);
    const { array, put } = fresh(s, n, type);
    eachIndex(s, n, (i) => put(i, f.call([s.undefinedValue(), i])), loopOf(f));
    return array;
  }
  const given = s.types.at(source);
  const view = viewOf(s, transparent(ts, source));
  // `xs` is its own list; `xs.entries()`, a Map and its views are listed.
  const isListed = view !== undefined && view.object !== transparent(ts, source);
  const isMap = view !== undefined && s.types.at(view.object).kind === "map";
  const isText = given.kind === "inert" && given.text === "string";
  if (given.kind !== "array" && given.kind !== "tuple" && !isMap && !isListed && !isText) return undefined;
  let array = expression(s, isMap || isListed ? view.object : source);
  if (isText) {
    const refusal = { code: "PB1010", message: "The characters of a text." };
    array = opaqueValue(s, ["[...", "]"], [array], { kind: "array", element: inert("string") }, refusal);
  }
  if (isMap || isListed) {
    array = listOf(s, array, view.what, listType(array, view.what));
    if (literal === undefined) return array;
  }
  const n = s.at(call).length(array);
  if (literal === undefined) return copyRange(s, array, zero(s), n, type);
  const f = applied(s, literal);
  const { array: result, put } = fresh(s, n, type);
  eachIndex(s, n, (i) => put(i, f.call([at(s, array, i), i])), loopOf(f));
  return result;
}

/** The type of a list of keys, values or entries. */
export function listType(of: Value, what: What): Type {
  const element = elementType(of.type);
  const key = inert(of.type.kind === "map" ? "key" : "Int");
  if (what === "keys") return { kind: "array", element: key };
  return { kind: "array", element: what === "values" ? element : { kind: "tuple", elements: [key, element] } };
}

function lengthObject(typescript: typeof ts, node: ts.Expression): ts.Expression | undefined {
  if (!typescript.isObjectLiteralExpression(node) || node.properties.length !== 1) return undefined;
  const [property] = node.properties;
  if (property === undefined) return undefined;
  if (typescript.isShorthandPropertyAssignment(property) && property.name.text === "length") return property.name;
  if (typescript.isPropertyAssignment(property) && property.name.getText() === "length") return property.initializer;
  return undefined;
}

/** `new Array(n)`, `new Array(n).fill(x)`, `new Float64Array(n)`, `new Float64Array(xs)`. */
export function newArray(s: Lowering, node: ts.NewExpression, fill: ts.Expression | undefined): Value | undefined {
  const args = node.arguments ?? [];
  const type = s.types.at(fill === undefined ? node : node.parent.parent);
  const [first] = args;
  if (first === undefined || args.length !== 1) {
    if (type.kind !== "array" || type.typed !== undefined || args.some((a) => s.ts.isSpreadElement(a)))
      return undefined;
    const elements = args.map((a) => expression(s, a));
    return s.at(node).array(elements, type);
  }
  if (s.ts.isSpreadElement(first)) return undefined;
  const given = s.types.at(first);
  if (given.kind === "array" || given.kind === "tuple") {
    if (type.kind !== "array" || type.typed === undefined) return undefined;
    const source = expression(s, first);
    const n = s.at(node).length(source);
    return copyRange(s, source, zero(s), n, type);
  }
  if (given.kind !== "number" && !(given.kind === "inert" && given.text === "NoDerivative")) return undefined;
  const length = expression(s, first);
  const filler = fill === undefined ? undefined : expression(s, fill);
  return s.at(node).newArray(length, filler, type);
}
