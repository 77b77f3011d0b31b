/** Source text with holes, for what the HIR does not model: it runs as written and reports when activity reaches it. */
import type ts from "typescript";
import type { Type, Value } from "../../hir/index.ts";
import { inert } from "../types/index.ts";
import type { Exit, Variable } from "./environment.ts";
import type { Lowering } from "./lowering.ts";
import { assignedIn, leaves } from "./scan.ts";

export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

/** An expression made of text and operands. */
export function opaqueValue(
  s: Lowering,
  parts: readonly string[],
  operands: readonly Value[],
  type: Type,
  refusal: Refusal,
  effects = false,
  keeps = false,
): Value {
  return s.builder.opaque(parts, operands, refusal, { type, file: s.file, effects, keeps })!;
}

/** An expression that may read and write whatever is in scope. */
export function reachesEverything(s: Lowering, text: string, type: Type, refusal: Refusal): Value {
  const inScope = [...new Set(s.environment.variables.values())];
  const parts = ["", ...inScope.map((_, i) => (i < inScope.length - 1 ? ", " : `, ${text})`))];
  if (inScope.length === 0) return opaqueValue(s, [text], [], type, refusal, true);
  return opaqueValue(s, [`(${parts[0]}`, ...parts.slice(1)], inScope, type, refusal, true, true);
}

/** A piece of source as text: names of variables that are being lowered become holes. */
interface Piece {
  readonly parts: string[];
  readonly operands: Value[];
}

/**
 * The text of a node. `kept` are variables that the text declares itself (because it assigns them); `replaced` gives
 * other text for some nodes, such as `return`.
 */
function textOf(
  s: Lowering,
  node: ts.Node,
  kept: ReadonlySet<Variable>,
  replaced: ReadonlyMap<ts.Node, [string, ts.Node | undefined, string]>,
): Piece {
  const { ts } = s;
  const source = node.getSourceFile().text;
  const parts: string[] = [];
  const operands: Value[] = [];
  let current = "";
  let position = node.getStart();
  const upTo = (end: number) => {
    current += source.slice(position, end);
    position = end;
  };
  const hole = (value: Value, from: number, to: number, before = "", after = "") => {
    upTo(from);
    parts.push(current + before);
    operands.push(value);
    current = after;
    position = to;
  };
  const visit = (n: ts.Node, ownThis: boolean): void => {
    const replacement = replaced.get(n);
    if (replacement !== undefined) {
      upTo(n.getStart());
      current += replacement[0];
      if (replacement[1] !== undefined) {
        position = replacement[1].getStart();
        visit(replacement[1], ownThis);
        upTo(replacement[1].getEnd());
      }
      current += replacement[2];
      position = n.getEnd();
      return;
    }
    if (n.kind === ts.SyntaxKind.ThisKeyword && !ownThis) {
      const self = s.read("this");
      if (self !== undefined) hole(self, n.getStart(), n.getEnd());
      return;
    }
    if (ts.isTypeNode(n)) return;
    if (ts.isIdentifier(n)) {
      const symbol = s.host.symbolOf(n);
      if (symbol === undefined || kept.has(symbol) || declaredIn(node, symbol)) return;
      if (ts.isPropertyAccessExpression(n.parent) && n.parent.name === n) return;
      const raw = s.raw(symbol);
      if (raw === undefined) return;
      const shorthand = ts.isShorthandPropertyAssignment(n.parent) ? `${n.text}: ` : "";
      if (s.isBoxed(symbol)) hole(raw, n.getStart(), n.getEnd(), shorthand, ".value");
      else hole(raw, n.getStart(), n.getEnd(), shorthand);
      return;
    }
    const inner = ownThis || (ts.isFunctionLike(n) && !ts.isArrowFunction(n)) || ts.isClassLike(n);
    ts.forEachChild(n, (child) => visit(child, inner));
  };
  visit(node, false);
  upTo(node.getEnd());
  parts.push(current);
  return { parts, operands };
}

function declaredIn(node: ts.Node, symbol: ts.Symbol): boolean {
  const { pos, end } = node;
  const file = node.getSourceFile();
  return (symbol.declarations ?? []).some((d) => d.getSourceFile() === file && d.pos >= pos && d.end <= end);
}

/** What comes out of code that is not looked into: anything, so that activity goes on through it, and is refused there. */
const outcome: Type = { kind: "array", element: { kind: "unknown", text: "outcome" } };

/** A whole expression that is not looked into; with `keeps` its value holds on to what it mentions. */
export function opaqueExpression(s: Lowering, node: ts.Node, refusal: Refusal, type?: Type, keeps = false): Value {
  const targets = [...assignedIn(s.host, [node])].filter((v) => !s.isBoxed(v) && s.environment.variables.has(v));
  const result = type ?? s.types.at(node);
  if (targets.length > 0) return wrapped(s, node, targets, refusal, { expression: true, result });
  const { parts, operands } = textOf(s, node, new Set(), new Map());
  if (s.ts.isObjectLiteralExpression(node)) {
    // A statement may not begin with a brace.
    parts[0] = `(${parts[0]}`;
    parts[parts.length - 1] += ")";
  }
  s.at(node);
  return opaqueValue(s, parts, operands, result, refusal, true, keeps);
}

/** A whole statement that is not looked into; what it assigns and how it is left come out as values. */
export function opaqueStatement(s: Lowering, node: ts.Statement, refusal: Refusal): void {
  wrapped(
    s,
    node,
    [...assignedIn(s.host, [node])].filter((v) => !s.isBoxed(v) && s.environment.variables.has(v)),
    refusal,
    { expression: false, result: inert("undefined") },
  );
}

/**
 * `(() => { let x = …; const $left = (() => { <statement> return [0, undefined]; })(); return [...$left, x]; })()`: slot 0 says how the statement was left, slot 1
 * holds what it returned, the others what the assigned variables hold.
 */
function wrapped(
  s: Lowering,
  node: ts.Node,
  targets: readonly ts.Symbol[],
  refusal: Refusal,
  shape: { expression: boolean; result: Type },
): Value {
  const names = targets.map((t) => t.name).join(", ");
  const assigned = names === "" ? "" : `, ${names}`;
  const replaced = new Map<ts.Node, [string, ts.Node | undefined, string]>();
  const exits: Exit[] = [];
  if (!shape.expression) collectExits(s, node, replaced, exits);
  if (exits.length === 0 && targets.length === 0 && !shape.expression) {
    const { parts, operands } = textOf(s, node, new Set(), new Map());
    s.at(node).opaque(parts, operands, refusal, { file: s.file, effects: true, keeps: true });
    return s.undefinedValue();
  }
  const starts = targets.map((t) => s.environment.variables.get(t)!);
  const piece = textOf(s, node, new Set<Variable>(targets), replaced);
  const head = targets.map((t, i) => `${i === 0 ? "(() => { " : "; "}let ${t.name} = `);
  const open = targets.length === 0 ? "(() => { " : "; ";
  // The assigned variables are read when the statement has been left, its `finally` included.
  const first = shape.expression ? `${open}const $result = ` : `${open}const $left = (() => { `;
  const last = shape.expression
    ? `; return [0, $result${assigned}]; })()`
    : ` return [0, undefined]; })(); return [...$left${assigned}]; })()`;
  const parts = [...head, ...piece.parts];
  parts[targets.length] = `${first}${parts[targets.length]}`;
  parts[parts.length - 1] += last;
  s.at(node);
  const left = opaqueValue(s, parts, [...starts, ...piece.operands], outcome, refusal, true, !shape.expression);
  const slot = (i: number, type: Type, name?: string) =>
    s.builder.load(left, s.builder.const(i, inert("Int")), name === undefined ? { type } : { type, name });
  targets.forEach((t, i) => {
    s.environment.variables.set(t, slot(i + 2, s.typeOf(t), t.name));
  });
  exits.forEach((exit, i) => {
    const here = s.builder.prim("===", [slot(0, inert("Int")), s.builder.const(i + 1, inert("Int"))]);
    s.conditional(
      here,
      () => {
        if (exit.kind === "function") s.environment.results.set(exit, slot(1, exit.result ?? inert("undefined")));
        s.leave(exit);
      },
      () => {},
    );
  });
  return shape.expression ? slot(1, shape.result) : s.undefinedValue();
}

/** Exits of a statement: each becomes a `return` of its number. */
function collectExits(
  s: Lowering,
  root: ts.Node,
  replaced: Map<ts.Node, [string, ts.Node | undefined, string]>,
  exits: Exit[],
): void {
  const { ts } = s;
  const tail = "]; ";
  const number = (exit: Exit) => {
    if (!exits.includes(exit)) exits.push(exit);
    return exits.indexOf(exit) + 1;
  };
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) || ts.isClassLike(node)) return;
    if (ts.isReturnStatement(node)) {
      const target = s.exits.findLast((e) => e.kind === "function");
      if (target === undefined) return;
      const code = number(target);
      replaced.set(
        node,
        node.expression === undefined
          ? [`return [${code}, undefined${tail}`, undefined, ""]
          : [`return [${code}, `, node.expression, tail],
      );
      return;
    }
    if (ts.isBreakStatement(node) || ts.isContinueStatement(node)) {
      const target = jumpTarget(s, node, root);
      if (target !== undefined) replaced.set(node, [`return [${number(target)}, undefined${tail}`, undefined, ""]);
      return;
    }
    ts.forEachChild(node, visit);
  };
  visit(root);
}

/** Where a `break` or `continue` goes, if that is outside of `root`. */
function jumpTarget(s: Lowering, node: ts.BreakOrContinueStatement, root: ts.Node): Exit | undefined {
  const inside = leaves(s.ts, root);
  const isBreak = s.ts.isBreakStatement(node);
  if (node.label !== undefined)
    return inside.labels.has(node.label.text) ? exitFor(s, isBreak, node.label.text) : undefined;
  // The walk up decides whether the statement's loop or switch is part of the text.
  for (let n: ts.Node = node.parent; n !== root.parent; n = n.parent) {
    if (s.ts.isIterationStatement(n, false) || (isBreak && s.ts.isSwitchStatement(n))) return undefined;
  }
  return exitFor(s, isBreak, undefined);
}

/** The exit place that a jump leaves. */
export function exitFor(s: Lowering, isBreak: boolean, label: string | undefined): Exit | undefined {
  const kinds = isBreak ? ["break", "label"] : ["continue"];
  for (let i = s.exits.length - 1; i >= 0; i -= 1) {
    const exit = s.exits[i]!;
    if (exit.kind === "function") return undefined;
    if (!kinds.includes(exit.kind)) continue;
    if (label === undefined ? exit.kind !== "label" : exit.labels.includes(label)) return exit;
  }
  return undefined;
}

/** The places outside that these nodes may leave to. */
export function exitsOf(s: Lowering, nodes: Iterable<ts.Node | undefined>): Exit[] {
  const found: Exit[] = [];
  for (const node of nodes) {
    if (node === undefined) continue;
    const { returns, labels, breaks, continues } = leaves(s.ts, node);
    const add = (exit: Exit | undefined) => {
      if (exit !== undefined && !found.includes(exit)) found.push(exit);
    };
    if (returns) add(s.exits.findLast((e) => e.kind === "function"));
    if (breaks) add(exitFor(s, true, undefined));
    if (continues) add(exitFor(s, false, undefined));
    for (const label of labels) {
      add(exitFor(s, true, label));
      add(exitFor(s, false, label));
    }
  }
  return found;
}
