/** Builds HIR: a `Builder` appends operations to one region and makes nested regions from callbacks. */
import {
  arrayOf,
  booleanType,
  elementType,
  fieldType,
  inertType,
  intType,
  numberType,
  undefinedType,
} from "./kinds.ts";
import type {
  Callee,
  CallOp,
  ConstOp,
  HirFunction,
  IfOp,
  Key,
  LoadOp,
  LoopOp,
  Op,
  OpaqueOp,
  Region,
  Span,
  Type,
  Value,
} from "./types.ts";

/** Numbers the values of one function. */
export interface Ids {
  next: number;
}

export const noSpan: Span = { file: "", start: 0, end: 0 };

/** Operators whose result is a boolean or a string: never differentiable. */
const inertOperators = new Set(["<", "<=", ">", ">=", "===", "!==", "==", "!=", "!", "typeof", "instanceof", "in"]);

export type LoopShape = Pick<LoopOp, "counted" | "label"> & {
  readonly initial: readonly Value[];
  readonly test?: (b: Builder, ...carried: Value[]) => Value;
  readonly testAfter?: boolean;
  readonly hasBreak?: boolean;
  readonly names?: readonly (string | undefined)[];
  readonly indexName?: string;
};

export class Builder {
  ops: Op[];
  readonly ids: Ids;
  /** Span given to the operations that follow. */
  span: Span;

  constructor(ops: Op[], ids: Ids, span: Span = noSpan) {
    this.ops = ops;
    this.ids = ids;
    this.span = span;
  }

  /** A fresh value; the caller defines it. */
  value(type: Type, name?: string): Value {
    const id = this.ids.next++;
    return name === undefined ? { id, type, span: this.span } : { id, type, name, span: this.span };
  }

  emit<T extends Op>(op: T): T {
    this.ops.push(op);
    return op;
  }

  const(value: ConstOp["value"], type?: Type, options: { written?: true } = {}): Value {
    const own =
      type ?? (typeof value === "number" ? numberType : value === undefined ? undefinedType : constType(value));
    const result = this.value(own);
    this.emit({ kind: "const", value, ...options, span: this.span, results: [result] });
    return result;
  }

  global(text: string, file = "", type: Type = inertType): Value {
    const result = this.value(type);
    this.emit({ kind: "global", text, file, span: this.span, results: [result] });
    return result;
  }

  prim(op: string, args: readonly Value[], type?: Type, name?: string): Value {
    const result = this.value(type ?? (inertOperators.has(op) ? booleanType : numberType), name);
    this.emit({ kind: "prim", op, args, span: this.span, results: [result] });
    return result;
  }

  math(fn: string, args: readonly Value[], name?: string): Value {
    const result = this.value(numberType, name);
    this.emit({ kind: "math", fn, args, span: this.span, results: [result] });
    return result;
  }

  array(
    elements: readonly Value[],
    type: Type = arrayOf(elements[0]?.type ?? numberType),
    options: { spread?: readonly boolean[]; name?: string; stack?: true } = {},
  ): Value {
    const result = this.value(type, options.name);
    this.emit({
      kind: "array",
      elements,
      spread: options.spread ?? elements.map(() => false),
      ...(options.stack === true ? { stack: true as const } : {}),
      span: this.span,
      results: [result],
    });
    return result;
  }

  object(entries: readonly { key?: string; value: Value }[], type: Type, name?: string): Value {
    const result = this.value(type, name);
    this.emit({ kind: "object", entries, span: this.span, results: [result] });
    return result;
  }

  newArray(length: Value, fill?: Value, type: Type = arrayOf(fill?.type ?? numberType), name?: string): Value {
    const result = this.value(type, name);
    this.emit(
      fill === undefined
        ? { kind: "newArray", length, span: this.span, results: [result] }
        : { kind: "newArray", length, fill, span: this.span, results: [result] },
    );
    return result;
  }

  /** A stack of differentiation's own: an array whose entries are read only after they were written. */
  stack(length: Value, type: Type, name: string): Value {
    const result = this.value(type, name);
    this.emit({ kind: "newArray", length, stack: true, span: this.span, results: [result] });
    return result;
  }

  allocate(classText: string, file: string, type: Type): Value {
    const result = this.value(type);
    this.emit({ kind: "allocate", classText, file, span: this.span, results: [result] });
    return result;
  }

  new(
    classText: string,
    file: string,
    args: readonly Value[],
    fields: readonly { name: string; argument: number }[],
    type: Type,
  ): Value {
    const result = this.value(type);
    this.emit({ kind: "new", classText, file, args, fields, span: this.span, results: [result] });
    return result;
  }

  load(object: Value, key: string | Value, options: { type?: Type; readonly?: boolean; name?: string } = {}): Value {
    const type = options.type ?? (typeof key === "string" ? fieldType(object.type, key) : elementType(object.type));
    const result = this.value(type, options.name);
    const op: LoadOp = { kind: "load", object, key: keyOf(key), span: this.span, results: [result] };
    this.emit(options.readonly === undefined ? op : { ...op, readonly: options.readonly });
    return result;
  }

  /** `array.length` as an integer. */
  length(array: Value): Value {
    return this.load(array, "length", { type: intType });
  }

  store(object: Value, key: string | Value, value: Value): void {
    this.emit({ kind: "store", object, key: keyOf(key), value, span: this.span, results: [] });
  }

  push(array: Value, value: Value): void {
    this.emit({ kind: "push", array, value, span: this.span, results: [] });
  }

  pop(array: Value, type: Type = elementType(array.type)): Value {
    const result = this.value(type);
    this.emit({ kind: "pop", array, span: this.span, results: [result] });
    return result;
  }

  /** The variable behind the entries of arrays that are filled side by side; it begins at 0, or behind those of `array`. */
  cursor(array?: Value): Value {
    const result = this.value(intType, "top");
    this.emit({ kind: "cursor", array, span: this.span, results: [result] });
    return result;
  }

  /** A call; `type` is its result's. Every call has one result (`undefined` for void functions). */
  call(
    callee: Callee,
    args: readonly Value[],
    type: Type,
    options: { effects?: boolean; spread?: readonly boolean[]; name?: string } = {},
  ): Value {
    const result = this.value(type, options.name);
    const op: CallOp = {
      kind: "call",
      callee,
      args,
      effects: options.effects ?? false,
      span: this.span,
      results: [result],
    };
    this.emit(options.spread === undefined ? op : { ...op, spread: options.spread });
    return result;
  }

  closure(fn: HirFunction, captures: readonly Value[], type: Type = { kind: "function", text: "function" }): Value {
    const result = this.value(type, fn.name);
    this.emit({ kind: "closure", function: fn, captures, span: this.span, results: [result] });
    return result;
  }

  opaque(
    parts: readonly string[],
    operands: readonly Value[],
    diagnostic: OpaqueOp["diagnostic"],
    options: { type?: Type; file?: string; effects?: boolean; keeps?: boolean } = {},
  ): Value | undefined {
    const result = options.type === undefined ? undefined : this.value(options.type);
    this.emit({
      ...(options.keeps === true ? { keeps: true } : {}),
      kind: "opaque",
      parts,
      operands,
      diagnostic,
      file: options.file ?? "",
      effects: options.effects ?? result === undefined,
      span: this.span,
      results: result === undefined ? [] : [result],
    });
    return result;
  }

  throw(value: Value): void {
    this.emit({ kind: "throw", value, span: this.span, results: [] });
  }

  runtime(fn: string, args: readonly Value[], type?: Type, options: { effects?: boolean; name?: string } = {}): Value {
    const result = this.value(type ?? inertType, options.name);
    this.emit({
      kind: "runtime",
      fn,
      args,
      effects: options.effects ?? false,
      span: this.span,
      results: type === undefined ? [] : [result],
    });
    return result;
  }

  /** A region built by `fill`, which returns the region's results, or "diverges" after a throw. */
  region(params: Value[], fill: (b: Builder, ...params: Value[]) => readonly Value[] | "diverges"): Region {
    const inner = new Builder([], this.ids, this.span);
    const results = fill(inner, ...params);
    if (results === "diverges") return { params, ops: inner.ops, results: [], diverges: true };
    return { params, ops: inner.ops, results: [...results] };
  }

  if(
    condition: Value,
    then: (b: Builder) => readonly Value[] | "diverges",
    otherwise: (b: Builder) => readonly Value[] | "diverges" = () => [],
    names: readonly (string | undefined)[] = [],
  ): Value[] {
    const a = this.region([], then);
    const b = this.region([], otherwise);
    const merged = a.diverges === true ? b : a;
    const results = merged.results.map((r, i) =>
      this.value(joined(r.type, (a.diverges === true ? b : b.diverges === true ? a : b).results[i]!.type), names[i]),
    );
    // biome-ignore lint/suspicious/noThenProperty: a branch, never awaited
    this.emit({ kind: "if", condition, then: a, else: b, span: this.span, results } satisfies IfOp);
    return results;
  }

  loop(shape: LoopShape, body: (b: Builder, ...params: Value[]) => readonly Value[]): Value[] {
    const carried = (): Value[] => shape.initial.map((v, i) => this.value(v.type, shape.names?.[i] ?? v.name));
    const params = carried();
    if (shape.counted !== undefined) params.unshift(this.value(intType, shape.indexName ?? "i"));
    const test = shape.test === undefined ? undefined : this.region(carried(), (b, ...p) => [shape.test!(b, ...p)]);
    const region = this.region(params, body);
    const results = shape.initial.map((v, i) => this.value(v.type, shape.names?.[i] ?? v.name));
    this.emit({
      kind: "loop",
      initial: shape.initial,
      ...(shape.counted === undefined ? {} : { counted: shape.counted }),
      ...(test === undefined ? {} : { test }),
      ...(shape.label === undefined ? {} : { label: shape.label }),
      testAfter: shape.testAfter ?? false,
      body: region,
      hasBreak: shape.hasBreak ?? false,
      span: this.span,
      results,
    } satisfies LoopOp);
    return results;
  }
}

function keyOf(key: string | Value): Key {
  return typeof key === "string" ? { kind: "field", name: key } : { kind: "index", index: key };
}

function constType(value: ConstOp["value"]): Type {
  return { kind: "inert", text: value === null ? "null" : typeof value };
}

/** Type of a value that is one or the other. */
export function joined(a: Type, b: Type): Type {
  if (a === b || (a.kind === b.kind && a.kind !== "union" && a.kind !== "inert")) return a;
  if (a.kind === "inert" && b.kind === "inert") return a;
  const members = [a, b].flatMap((t) => (t.kind === "union" ? t.members : [t]));
  const unique = members.filter(
    (m, i) => members.findIndex((n) => n === m || (n.kind === m.kind && m.kind !== "struct")) === i,
  );
  return unique.length === 1 ? unique[0]! : { kind: "union", members: unique };
}

export interface FunctionShape {
  readonly name: string;
  readonly params: readonly (readonly [name: string, type: Type])[];
  readonly key?: string;
  readonly file?: string;
  readonly span?: Span;
  readonly kind?: HirFunction["kind"];
  readonly captures?: readonly (readonly [name: string, type: Type])[];
  readonly rest?: number;
  readonly recursive?: boolean;
  readonly result?: Type;
  /** Shared numbering, for function literals inside other functions. */
  readonly ids?: Ids;
}

/** A whole function; `fill` returns its result value. Captures follow the parameters in `fill`'s arguments. */
export function buildFunction(
  shape: FunctionShape,
  fill: (b: Builder, ...params: Value[]) => Value | "diverges",
): HirFunction {
  const ids = shape.ids ?? { next: 0 };
  const b = new Builder([], ids, shape.span ?? noSpan);
  const params = shape.params.map(([name, type]) => b.value(type, name));
  const captures = (shape.captures ?? []).map(([name, type]) => b.value(type, name));
  const body = b.region([], (inner) => {
    const result = fill(inner, ...params, ...captures);
    return result === "diverges" ? result : [result];
  });
  const file = shape.file ?? "";
  return {
    key: shape.key ?? `${file}#${shape.name}`,
    name: shape.name,
    file,
    span: shape.span ?? noSpan,
    kind: shape.kind ?? "function",
    params,
    ...(shape.rest === undefined ? {} : { rest: shape.rest }),
    captures,
    body,
    result: shape.result ?? body.results[0]?.type ?? undefinedType,
    recursive: shape.recursive ?? false,
  };
}
