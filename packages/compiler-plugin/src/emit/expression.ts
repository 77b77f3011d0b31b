/** Expressions as text with their precedence, so that parentheses stand only where they are needed. */
import type { ConstOp } from "../hir/index.ts";

export interface Expression {
  readonly text: string;
  readonly precedence: number;
  /** Mutable variables that it reads. */
  readonly reads: ReadonlySet<string>;
  /** Depends on memory, so that it must be evaluated before the next write. */
  readonly memory: boolean;
  /** `left + right`, `left - right` for what can become `left += right`. */
  readonly sum?: { readonly left: string; readonly operator: "+" | "-"; readonly right: string };
  /** The operand of a negation. */
  readonly negated?: Expression;
}

const none: ReadonlySet<string> = new Set();

/** Precedences after MDN's table. */
export const precedence = { conditional: 2, unary: 14, call: 17, atom: 18 } as const;

const binary: Readonly<Record<string, number>> = {
  "??": 3,
  "||": 3,
  "&&": 4,
  "|": 5,
  "^": 6,
  "&": 7,
  "===": 8,
  "!==": 8,
  "==": 8,
  "!=": 8,
  "<": 9,
  "<=": 9,
  ">": 9,
  ">=": 9,
  in: 9,
  instanceof: 9,
  "<<": 10,
  ">>": 10,
  ">>>": 10,
  "+": 11,
  "-": 11,
  "*": 12,
  "/": 12,
  "%": 12,
  "**": 13,
};

export function atom(text: string, memory = false, reads: ReadonlySet<string> = none): Expression {
  return { text, precedence: precedence.atom, reads, memory };
}

export function union(parts: readonly Expression[]): { reads: ReadonlySet<string>; memory: boolean } {
  const reads = new Set<string>();
  for (const p of parts) for (const v of p.reads) reads.add(v);
  return { reads, memory: parts.some((p) => p.memory) };
}

export function grouped(e: Expression, atLeast: number): string {
  return e.precedence >= atLeast ? e.text : `(${e.text})`;
}

export function literalText(value: ConstOp["value"]): Expression {
  if (typeof value === "number") {
    const text = Object.is(value, -0) ? "-0" : String(value);
    return { ...atom(text), precedence: text.startsWith("-") ? precedence.unary : precedence.atom };
  }
  if (typeof value === "bigint") return atom(`${value}n`);
  return atom(value === undefined ? "undefined" : JSON.stringify(value));
}

export function unaryText(op: string, e: Expression): Expression {
  const token = op === "neg" ? "-" : op === "typeof" || op === "void" ? `${op} ` : op;
  const operand = grouped(e, precedence.unary);
  const text = operand.startsWith(token) && token.length === 1 ? `${token}(${e.text})` : token + operand;
  const result = { text, precedence: precedence.unary, ...union([e]) };
  return token === "-" ? { ...result, negated: e } : result;
}

export function binaryText(op: string, a: Expression, b: Expression): Expression {
  const own = binary[op] as number;
  const facts = union([a, b]);
  if (op === "+" && b.negated !== undefined) return binaryText("-", a, b.negated);
  // ** binds to the right and takes no unary operand on its left; ?? does not mix with || and &&.
  const mixes = (e: Expression) => (own === 3 && e.precedence <= 4 && e.precedence > 2 ? precedence.atom : own);
  const left = grouped(a, op === "**" ? 15 : mixes(a));
  const right = grouped(b, op === "**" ? own : Math.max(own + 1, mixes(b)));
  const result = { text: `${left} ${op} ${right}`, precedence: own, ...facts };
  return op === "+" || op === "-" ? { ...result, sum: { left: a.text, operator: op, right: b.text } } : result;
}

/** `target = value`, written as `target += …` where the value says so. */
export function assignment(target: string, value: Expression): string {
  const { sum } = value;
  if (sum === undefined || sum.left !== target) return `${target} = ${value.text};`;
  return `${target} ${sum.operator}= ${sum.right};`;
}

export function property(name: string): string {
  return /^#?[A-Za-z_$][\w$]*$/.test(name)
    ? `.${name}`
    : /^\d+$/.test(name)
      ? `[${name}]`
      : `[${JSON.stringify(name)}]`;
}
