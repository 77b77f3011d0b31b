/** Records and Maps as a whole: their keys, lists of what they hold, literals with spreads and computed keys. */
import type ts from "typescript";
import { deletion, elementType, type Type, type Value } from "../../hir/index.ts";
import { inert } from "../types/index.ts";
import { eachIndex } from "./arrays.ts";
import { expression } from "./expressions.ts";
import type { Lowering } from "./lowering.ts";
import { opaqueValue } from "./opaque.ts";
import { transparent } from "./scan.ts";

export type What = "keys" | "values" | "entries";

const isRecord = (type: Type): boolean => type.kind === "map" && type.record === true;

/** The keys of a Map or record, in their order. */
export function keysOf(s: Lowering, map: Value): Value {
  const parts = isRecord(map.type) ? ["Object.keys(", ")"] : ["[...", ".keys()]"];
  return opaqueValue(s, parts, [map], inert("key[]"), { code: "PB1004", message: "The keys of a Map." });
}

function eachEntry(s: Lowering, map: Value, body: (key: Value, value: Value) => void): void {
  const keys = keysOf(s, map);
  const type = map.type.kind === "map" ? map.type.element : inert("unknown");
  eachIndex(s, s.builder.length(keys), (i) => {
    const key = s.builder.load(keys, i, { type: inert("key") });
    body(key, s.builder.load(map, key, { type }));
  });
}

/** An array of what a Map or record holds, or of an array's indices, elements or both. */
export function listOf(s: Lowering, map: Value, what: What, type: Type): Value {
  if (map.type.kind !== "map") return listOfArray(s, map, what, type);
  if (what === "keys") return keysOf(s, map);
  const list = s.builder.array([], type);
  eachEntry(s, map, (key, value) => {
    const pair: Type = { kind: "tuple", elements: [inert("key"), value.type] };
    s.builder.push(list, what === "values" ? value : s.builder.array([key, value], pair));
  });
  return list;
}

function listOfArray(s: Lowering, array: Value, what: What, type: Type): Value {
  const list = s.builder.array([], type);
  const element = elementType(array.type);
  eachIndex(s, s.builder.length(array), (i) => {
    const value = () => s.builder.load(array, i, { type: element });
    const pair = () => s.builder.array([i, value()], { kind: "tuple", elements: [inert("Int"), element] });
    s.builder.push(list, what === "keys" ? i : what === "values" ? value() : pair());
  });
  return list;
}

/** `Object.values(record)`, `Object.entries(record)`, `Object.fromEntries(pairs)`, `Object.assign(target, { … })`. */
export function objectCall(s: Lowering, node: ts.CallExpression): Value | undefined {
  const name = /^Object\.(values|entries|fromEntries|assign)$/.exec(node.expression.getText())?.[1];
  const [first, ...more] = node.arguments;
  if (name === undefined || first === undefined || s.ts.isSpreadElement(first)) return undefined;
  if (name === "assign") return assign(s, node, first, more);
  const type = s.types.at(node);
  if (name === "fromEntries") {
    const from = s.types.at(first);
    if (!isRecord(type) || type.kind !== "map" || from.kind !== "array") return undefined;
    const pairs = expression(s, first);
    const record = s.at(node).object([], type);
    eachIndex(s, s.builder.length(pairs), (i) => {
      const pair = s.builder.load(pairs, i, { type: from.element });
      const slot = (k: number, of: Type) => s.builder.load(pair, s.builder.const(k, inert("Int")), { type: of });
      const key = slot(0, inert("key"));
      s.builder.store(record, key, slot(1, type.element));
    });
    return record;
  }
  if (!isRecord(s.types.at(first)) || more.length > 0) return undefined;
  const record = expression(s, first);
  s.at(node);
  return listOf(s, record, name as What, type);
}

/** Sources whose fields stand there; into a fresh object, whatever they are. */
function assign(
  s: Lowering,
  node: ts.CallExpression,
  first: ts.Expression,
  more: readonly ts.Expression[],
): Value | undefined {
  const { ts } = s;
  const target = transparent(ts, first);
  if (more.some((source) => ts.isSpreadElement(source))) return undefined;
  if (ts.isObjectLiteralExpression(target) && target.properties.length === 0) {
    const values = more.map((source) => ({ value: expression(s, source) }));
    return values.every(({ value }) => value.type.kind === "struct")
      ? s.at(node).object(values, s.types.at(node))
      : undefined;
  }
  const literals = more.map((source) => transparent(ts, source));
  const isPlain = (source: ts.Expression): source is ts.ObjectLiteralExpression =>
    ts.isObjectLiteralExpression(source) &&
    source.properties.every(
      (p) => (ts.isPropertyAssignment(p) && !ts.isComputedPropertyName(p.name)) || ts.isShorthandPropertyAssignment(p),
    );
  if (!literals.every(isPlain)) return undefined;
  const object = expression(s, first);
  for (const literal of literals as ts.ObjectLiteralExpression[]) {
    const values = literal.properties.map((p) => {
      const value = ts.isPropertyAssignment(p) ? p.initializer : (p as ts.ShorthandPropertyAssignment).name;
      return { name: (p.name as ts.Identifier).text, value: expression(s, value) };
    });
    for (const { name, value } of values) put(s, object, name, value);
  }
  return object;
}

function put(s: Lowering, object: Value, name: string, value: Value): void {
  s.builder.store(object, isRecord(object.type) ? s.builder.const(name) : name, value);
}

/** `delete record[key]`, `delete object.field`; undefined for anything else. */
export function removal(s: Lowering, node: ts.DeleteExpression): Value | undefined {
  const { ts } = s;
  const target = transparent(ts, node.expression);
  const field = ts.isPropertyAccessExpression(target) && ts.isIdentifier(target.name) ? target.name.text : undefined;
  if (field === undefined && !ts.isElementAccessExpression(target)) return undefined;
  const { expression: of } = target as ts.PropertyAccessExpression | ts.ElementAccessExpression;
  const type = s.types.at(of);
  if (!isRecord(type) && (field === undefined || type.kind !== "struct")) return undefined;
  const object = expression(s, of);
  const key = ts.isElementAccessExpression(target) ? expression(s, target.argumentExpression) : s.at(node).const(field);
  const callee = { kind: "inert", text: deletion, file: "" } as const;
  return s.at(node).call(callee, [object, key], inert("boolean"), { effects: true });
}

/** A literal of record type with spreads of records or computed keys: empty, then filled in order. */
export function recordLiteral(s: Lowering, node: ts.ObjectLiteralExpression, type: Type): Value | undefined {
  const { ts } = s;
  const filled = node.properties.some(
    (p) => ts.isSpreadAssignment(p) || (p.name !== undefined && ts.isComputedPropertyName(p.name)),
  );
  const isKnown = node.properties.every((p) =>
    ts.isSpreadAssignment(p)
      ? isRecord(s.types.at(p.expression))
      : ts.isPropertyAssignment(p) || ts.isShorthandPropertyAssignment(p),
  );
  if (!filled || !isKnown || !isRecord(type)) return undefined;
  const record = s.at(node).object([], type);
  for (const p of node.properties) {
    if (ts.isSpreadAssignment(p)) {
      const source = expression(s, p.expression);
      s.at(p);
      eachEntry(s, source, (key, value) => s.builder.store(record, key, value));
    } else if (ts.isPropertyAssignment(p)) {
      const key = ts.isComputedPropertyName(p.name) ? expression(s, p.name.expression) : s.at(p).const(p.name.text);
      s.builder.store(record, key, expression(s, p.initializer));
    } else if (ts.isShorthandPropertyAssignment(p)) {
      s.builder.store(record, s.at(p).const(p.name.text), expression(s, p.name));
    }
  }
  return record;
}

/** `{ …, ...rest } = record`: what the pattern does not name. */
export function recordRest(s: Lowering, record: Value, taken: readonly string[], type: Type): Value {
  const rest = s.builder.object([], type);
  eachEntry(s, record, (key, value) => {
    const isTaken = taken.map((name) => s.builder.prim("===", [key, s.builder.const(name)]));
    const store = (i: number): void => {
      if (i === isTaken.length) s.builder.store(rest, key, value);
      else
        s.conditional(
          isTaken[i]!,
          () => {},
          () => store(i + 1),
        );
    };
    store(0);
  });
  return rest;
}
