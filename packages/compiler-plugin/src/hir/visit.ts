/** Walks and rewrites HIR: operands, nested regions, substitution of values, copies with fresh values. */
import type { Ids } from "./build.ts";
import type { HirFunction, Key, Op, PopOp, PushOp, Region, Type, Value } from "./types.ts";

/** The values an operation reads itself; those read inside its regions are not listed. */
export function operands(op: Op): readonly Value[] {
  switch (op.kind) {
    case "const":
    case "global":
    case "allocate":
      return [];
    case "prim":
    case "math":
    case "new":
    case "call":
    case "runtime":
      return op.args;
    case "sweep":
      return op.variant === undefined ? op.args : [op.variant, ...op.args];
    case "array":
      return op.elements;
    case "object":
      return op.entries.map((e) => e.value);
    case "newArray":
      return op.fill === undefined ? [op.length] : [op.length, op.fill];
    case "load":
      return op.key.kind === "index" ? [op.object, op.key.index] : [op.object];
    case "store":
      return op.key.kind === "index" ? [op.object, op.key.index, op.value] : [op.object, op.value];
    case "push":
      return op.cursor === undefined ? [op.array, op.value] : [op.array, op.value, op.cursor];
    case "pop":
      return op.cursor === undefined ? [op.array] : [op.array, op.cursor];
    case "cursor":
      return op.array === undefined ? [] : [op.array];
    case "closure":
      return op.derivative === undefined
        ? op.captures
        : [...op.captures, ...op.derivative.codes.flatMap((code) => code.captures)];
    case "opaque":
      return op.operands;
    case "throw":
      return [op.value];
    case "if":
      return [op.condition];
    case "loop":
      return op.counted === undefined ? op.initial : [op.counted.start, op.counted.end, ...op.initial];
  }
}

/** The regions nested directly in an operation, in order of execution. A closure's body is not one of them. */
export function regions(op: Op): readonly Region[] {
  if (op.kind === "if") return [op.then, op.else];
  if (op.kind === "loop") return op.test === undefined ? [op.body] : [op.test, op.body];
  return [];
}

/** Calls `visit` for every operation of a region, nested ones included, in program order. */
export function walk(region: Region, visit: (op: Op, region: Region) => void): void {
  for (const op of region.ops) {
    visit(op, region);
    for (const inner of regions(op)) walk(inner, visit);
  }
}

/** How often each value is read, in operations, region results and closures' captures. */
export function uses(region: Region, counts = new Map<Value, number>()): Map<Value, number> {
  const count = (v: Value) => counts.set(v, (counts.get(v) ?? 0) + 1);
  for (const op of region.ops) {
    for (const v of operands(op)) count(v);
    for (const inner of regions(op)) uses(inner, counts);
  }
  for (const v of region.results) count(v);
  return counts;
}

/**
 * The same operation over other operands; nested regions go through `region`, results through `result`. Where nothing
 * changes the answer is the operation itself, but for those with regions, which passes go on to write into.
 */
export function mapOp(
  op: Op,
  value: (v: Value) => Value,
  region: (r: Region) => Region,
  result?: (v: Value) => Value,
): Op {
  const results = result === undefined ? op.results : op.results.map(result);
  const same = results === op.results;
  switch (op.kind) {
    case "const":
    case "global":
    case "allocate":
      return same ? op : { ...op, results };
    case "prim":
    case "math":
    case "new":
    case "call":
    case "runtime": {
      const args = mapped(op.args, value);
      return same && args === op.args ? op : { ...op, args, results };
    }
    case "sweep": {
      const args = mapped(op.args, value);
      const variant = op.variant === undefined ? undefined : value(op.variant);
      if (same && args === op.args && variant === op.variant) return op;
      return variant === undefined ? { ...op, args, results } : { ...op, variant, args, results };
    }
    case "array": {
      const elements = mapped(op.elements, value);
      return same && elements === op.elements ? op : { ...op, elements, results };
    }
    case "object":
      return { ...op, entries: op.entries.map((e) => ({ ...e, value: value(e.value) })), results };
    case "newArray": {
      const length = value(op.length);
      const fill = op.fill === undefined ? undefined : value(op.fill);
      if (same && length === op.length && fill === op.fill) return op;
      return fill === undefined ? { ...op, length, results } : { ...op, length, fill, results };
    }
    case "load": {
      const object = value(op.object);
      const key = mappedKey(op.key, value);
      return same && object === op.object && key === op.key ? op : { ...op, object, key, results };
    }
    case "store": {
      const object = value(op.object);
      const key = mappedKey(op.key, value);
      const stored = value(op.value);
      if (same && object === op.object && key === op.key && stored === op.value) return op;
      return { ...op, object, key, value: stored, results };
    }
    case "push": {
      const array = value(op.array);
      const pushed = value(op.value);
      const cursor = mappedCursor(op, value);
      if (same && array === op.array && pushed === op.value && cursor === op.cursor) return op;
      return { ...op, array, value: pushed, ...(cursor === undefined ? {} : { cursor }), results };
    }
    case "pop": {
      const array = value(op.array);
      const cursor = mappedCursor(op, value);
      if (same && array === op.array && cursor === op.cursor) return op;
      return { ...op, array, ...(cursor === undefined ? {} : { cursor }), results };
    }
    case "cursor":
      return { ...op, array: op.array === undefined ? undefined : value(op.array), results };
    case "closure":
      return {
        ...op,
        captures: op.captures.map(value),
        ...(op.derivative === undefined
          ? {}
          : {
              derivative: {
                ...op.derivative,
                codes: op.derivative.codes.map((code) => ({ ...code, captures: code.captures.map(value) })),
              },
            }),
        results,
      };
    case "opaque": {
      const inside = mapped(op.operands, value);
      return same && inside === op.operands ? op : { ...op, operands: inside, results };
    }
    case "throw": {
      const thrown = value(op.value);
      return same && thrown === op.value ? op : { ...op, value: thrown, results };
    }
    case "if":
      return {
        ...op,
        condition: value(op.condition),
        // biome-ignore lint/suspicious/noThenProperty: a branch, never awaited
        then: region(op.then),
        else: region(op.else),
        results: same ? [...results] : results,
      };
    case "loop":
      return {
        ...op,
        initial: op.initial.map(value),
        ...(op.counted === undefined
          ? {}
          : { counted: { ...op.counted, start: value(op.counted.start), end: value(op.counted.end) } }),
        ...(op.test === undefined ? {} : { test: region(op.test) }),
        body: region(op.body),
        results: same ? [...results] : results,
      };
  }
}

/** The list itself where nothing in it changes. */
function mapped(values: readonly Value[], value: (v: Value) => Value): readonly Value[] {
  return values.every((v) => value(v) === v) ? values : values.map(value);
}

function mappedCursor({ cursor }: PushOp | PopOp, value: (v: Value) => Value): Value | undefined {
  return cursor === undefined ? undefined : value(cursor);
}

function mappedKey(key: Key, value: (v: Value) => Value): Key {
  if (key.kind !== "index") return key;
  const index = value(key.index);
  return index === key.index ? key : { kind: "index", index };
}

/** A region in which every read of a mapped value reads its replacement (followed to the end of the chain). */
export function substitute(region: Region, replacements: ReadonlyMap<Value, Value>): Region {
  if (replacements.size === 0) return region;
  const value = (v: Value): Value => {
    let current = v;
    for (let next = replacements.get(current); next !== undefined; next = replacements.get(current)) current = next;
    return current;
  };
  const inner = (r: Region): Region => ({
    ...r,
    ops: r.ops.map((op) => mapOp(op, value, inner)),
    results: r.results.map(value),
  });
  return inner(region);
}

/** A copy whose definitions are fresh values; free values go through `map`, which also learns the fresh ones. */
export function copyRegion(
  region: Region,
  map: Map<Value, Value>,
  ids: Ids,
  retype: (type: Type) => Type = (type) => type,
): Region {
  const fresh = (v: Value): Value => {
    const copy = { ...v, id: ids.next++, type: retype(v.type) };
    map.set(v, copy);
    return copy;
  };
  const value = (v: Value) => map.get(v) ?? v;
  const inner = (r: Region): Region => {
    const params = r.params.map(fresh);
    const ops = r.ops.map((op) => mapOp(op, value, inner, fresh));
    return { ...r, params, ops, results: r.results.map(value) };
  };
  return inner(region);
}

/** A copy of a function with fresh values throughout. */
export function copyFunction(fn: HirFunction, ids: Ids = { next: 0 }): HirFunction {
  const map = new Map<Value, Value>();
  const fresh = (v: Value): Value => {
    const copy = { ...v, id: ids.next++ };
    map.set(v, copy);
    return copy;
  };
  const params = fn.params.map(fresh);
  const captures = fn.captures.map(fresh);
  return { ...fn, params, captures, body: copyRegion(fn.body, map, ids) };
}
