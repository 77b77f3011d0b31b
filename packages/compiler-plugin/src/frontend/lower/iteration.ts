/** `for…of`: arrays and Maps by index or key, everything else by the iterator protocol. */
import type ts from "typescript";
import { elementType, type Value } from "../../hir/index.ts";
import { inert } from "../types/index.ts";
import { temporary, zero } from "./arrays.ts";
import { assignTo } from "./assignments.ts";
import type { Variable } from "./environment.ts";
import { expression } from "./expressions.ts";
import { changesLength, iteration } from "./loops.ts";
import type { Lowering } from "./lowering.ts";
import { exitsOf, opaqueStatement, opaqueValue } from "./opaque.ts";
import { bind } from "./patterns.ts";
import { keysOf, type What } from "./records.ts";
import { assignedIn, isArrayLike, transparent } from "./scan.ts";

const int = inert("Int");

export function forOf(s: Lowering, node: ts.ForOfStatement, labels: readonly string[]): void {
  const { ts } = s;
  if (node.awaitModifier !== undefined) {
    opaqueStatement(s, node, { code: "PB1001", message: "for await cannot be differentiated." });
    return;
  }
  const source = transparent(ts, node.expression);
  const record = recordView(s, source);
  if (record !== undefined) {
    overMap(s, node, labels, expression(s, record.object), record.what);
    return;
  }
  const view = viewOf(s, source);
  if (view !== undefined && isArrayLike(s.host, view.object)) {
    const array = expression(s, view.object);
    overArray(s, node, labels, array, (i, element) => bindView(s, node, view.what, i, element));
    return;
  }
  if (view !== undefined && s.types.at(view.object).kind === "map") {
    overMap(s, node, labels, expression(s, view.object), view.what);
    return;
  }
  overIterator(s, node, labels, expression(s, node.expression));
}

/** `xs`, `xs.entries()`, `xs.keys()`, `xs.values()`; a Map by itself gives its entries. */
export function viewOf(s: Lowering, source: ts.Expression): { object: ts.Expression; what: What } | undefined {
  const { ts } = s;
  if (ts.isCallExpression(source) && source.arguments.length === 0 && source.questionDotToken === undefined) {
    const callee = transparent(ts, source.expression);
    if (ts.isPropertyAccessExpression(callee) && /^(keys|values|entries)$/.test(callee.name.text)) {
      const type = s.types.at(callee.expression);
      if (isArrayLike(s.host, callee.expression) || (type.kind === "map" && type.record !== true)) {
        return { object: callee.expression, what: callee.name.text as What };
      }
    }
  }
  if (isArrayLike(s.host, source)) return { object: source, what: "values" };
  const type = s.types.at(source);
  return type.kind === "map" && type.record !== true ? { object: source, what: "entries" } : undefined;
}

/** `Object.entries(record)` and its relatives. */
function recordView(s: Lowering, source: ts.Expression): { object: ts.Expression; what: What } | undefined {
  const { ts } = s;
  if (!ts.isCallExpression(source) || source.arguments.length !== 1) return undefined;
  const match = /^Object\.(keys|values|entries)$/.exec(source.expression.getText());
  const [object] = source.arguments;
  if (match === null || object === undefined) return undefined;
  const type = s.types.at(object);
  return type.kind === "map" && type.record === true ? { object, what: match[1] as What } : undefined;
}

function overArray(
  s: Lowering,
  node: ts.ForOfStatement,
  labels: readonly string[],
  array: Value,
  start: (i: Value, element: () => Value) => void,
): void {
  const assigned: Set<Variable> = new Set(assignedIn(s.host, [node]));
  const outer = exitsOf(s, [node]);
  const span = s.host.span(node);
  s.at(node);
  const load = (i: Value) => () => s.builder.load(array, i, { type: elementType(array.type) });
  if (!changesLength(s, node.statement)) {
    const counted = { start: zero(s), end: s.builder.length(array), comparison: "<", step: 1 } as const;
    s.loop({
      span,
      assigned,
      outer,
      labels,
      counted,
      body: (i) => {
        start(i!, load(i!));
        iteration(s, node.statement, labels);
      },
    });
    return;
  }
  const index = temporary(s, "i", zero(s), int);
  s.loop({
    span,
    assigned: [...assigned, index],
    outer,
    labels,
    test: () => s.builder.prim("<", [s.environment.variables.get(index)!, s.builder.length(array)]),
    body: () => {
      const i = s.environment.variables.get(index)!;
      s.environment.variables.set(index, s.builder.prim("+", [i, s.builder.const(1, int)], int));
      start(i, load(i));
      iteration(s, node.statement, labels);
    },
  });
  s.environment.variables.delete(index);
}

/** Map entries in insertion order: the keys are listed first, the values are loads. */
function overMap(s: Lowering, node: ts.ForOfStatement, labels: readonly string[], map: Value, what: What): void {
  s.at(node);
  const keys = keysOf(s, map);
  const element = map.type.kind === "map" ? map.type.element : inert("unknown");
  overArray(s, node, labels, keys, (i) => {
    const key = s.builder.load(keys, i, { type: inert("key") });
    bindView(s, node, what, key, () => s.builder.load(map, key, { type: element }));
  });
}

function bindView(s: Lowering, node: ts.ForOfStatement, what: What, key: Value, element: () => Value): void {
  const { ts } = s;
  if (what === "keys") target(s, node, key);
  else if (what === "values") target(s, node, element());
  else {
    const { initializer } = node;
    const name = ts.isVariableDeclarationList(initializer) ? initializer.declarations[0]!.name : undefined;
    if (
      name !== undefined &&
      ts.isArrayBindingPattern(name) &&
      name.elements.every(
        (e) => ts.isOmittedExpression(e) || (e.initializer === undefined && e.dotDotDotToken === undefined),
      )
    ) {
      const [first, second] = name.elements;
      if (first !== undefined && !ts.isOmittedExpression(first)) bind(s, first.name, key);
      if (second !== undefined && !ts.isOmittedExpression(second)) bind(s, second.name, element());
      return;
    }
    const value = element();
    target(s, node, s.builder.array([key, value], { kind: "tuple", elements: [int, value.type] }));
  }
}

function target(s: Lowering, node: ts.ForOfStatement, value: Value): void {
  const { initializer } = node;
  if (s.ts.isVariableDeclarationList(initializer)) bind(s, initializer.declarations[0]!.name, value);
  else assignTo(s, initializer, value);
}

function overIterator(s: Lowering, node: ts.ForOfStatement, labels: readonly string[], iterable: Value): void {
  const refusal = {
    code: "PB1004",
    message: "Iteration over a general iterable with active elements cannot be differentiated.",
    hint: "Copy the elements into an array first.",
  };
  const assigned = assignedIn(s.host, [node]);
  const outer = exitsOf(s, [node]);
  s.at(node);
  const iterator = opaqueValue(s, ["", "[Symbol.iterator]()"], [iterable], inert("iterator"), refusal, true);
  const { initializer } = node;
  const name = s.ts.isVariableDeclarationList(initializer) ? initializer.declarations[0]!.name : initializer;
  s.loop({
    span: s.host.span(node),
    assigned,
    outer,
    labels,
    body: (_index, exit) => {
      const step = opaqueValue(s, ["", ".next()"], [iterator], inert("step"), refusal, true);
      const done = s.builder.load(step, "done", { type: inert("boolean") });
      s.conditional(
        done,
        () => s.leave(exit),
        () => {},
        () => {
          // Elements of active iterables come out of text: their types say whether that matters.
          target(s, node, opaqueValue(s, ["", ".value"], [step], s.types.at(name), refusal));
          iteration(s, node.statement, labels);
        },
      );
    },
  });
}
