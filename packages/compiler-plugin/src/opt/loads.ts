/**
 * Reads of a slot that nothing can have written since the last read or write of it share that value: the derivative
 * then has one adjoint and one saved value where the source says `a[i]` twice. Judged by alias class.
 */
import { type Aliases, find, type MemoryClass, reachable, slot } from "../analysis/index.ts";
import {
  type HirFunction,
  type LoadOp,
  mapOp,
  type Op,
  passing,
  type Region,
  regions,
  type StoreOp,
  slotKey,
  type Type,
  typeText,
  type Value,
} from "../hir/index.ts";

/** What a slot is known to hold. */
interface Known {
  readonly value: Value;
  readonly type: Type;
  readonly memory: MemoryClass;
}

type Table = Map<string, Known>;

export function shareLoads(fn: HirFunction, aliases: Aliases): HirFunction {
  const replaced = new Map<Value, Value>();
  const resolve = (v: Value): Value => replaced.get(v) ?? v;
  const classOf = (op: LoadOp | StoreOp) => find(slot(aliases.classOf(op.object), slotKey(op.key, op.object.type)));
  const keyOf = ({ object, key }: LoadOp | StoreOp) =>
    `${resolve(object).id} ${key.kind === "field" ? `.${key.name}` : resolve(key.index).id}`;

  const forget = (table: Table, gone: (memory: MemoryClass) => boolean) => {
    for (const [key, { memory }] of table) if (gone(find(memory))) table.delete(key);
  };

  /** Forgets what an operation may write, nested operations included. */
  const kill = (table: Table, op: Op): void => {
    if (table.size === 0) return;
    switch (op.kind) {
      case "store": {
        const written = classOf(op);
        forget(table, (memory) => memory === written);
        return;
      }
      case "push":
      case "pop": {
        const array = aliases.classOf(op.array);
        const written = new Set([find(slot(array, "[]")), find(slot(array, "length")), find(array)]);
        forget(table, (memory) => written.has(memory));
        return;
      }
      case "call": {
        if (op.callee.kind === "registered" || (op.callee.kind === "inert" && !op.effects)) return;
        const mutated = aliases.mutated(op);
        const written = new Set<MemoryClass>();
        op.args.forEach((a, i) => {
          if (mutated[i] !== false) reachable(aliases.classOf(a), written);
        });
        // What the callee reaches without being given it belongs to others as well.
        forget(table, (memory) => memory.external || memory.escapes || written.has(memory));
        return;
      }
      case "opaque":
      case "runtime":
      case "sweep":
        if (op.kind === "sweep" || op.effects) table.clear();
        return;
      default:
        for (const inner of regions(op)) for (const each of inner.ops) kill(table, each);
    }
  };

  const visit = (region: Region, table: Table): Region => {
    const ops: Op[] = [];
    for (const original of region.ops) {
      const op = mapOp(original, resolve, (inner) => inner);
      if (op.kind === "load" && shareable(op.object.type)) {
        const result = op.results[0] as Value;
        const key = keyOf(op);
        const known = table.get(key);
        if (known !== undefined && sameType(known.type, result.type)) {
          replaced.set(result, known.value);
          continue;
        }
        table.set(key, { value: result, type: result.type, memory: classOf(op) });
        ops.push(op);
        continue;
      }
      if (op.kind === "loop") kill(table, op);
      ops.push(
        regions(op).length === 0
          ? op
          : mapOp(
              op,
              (v) => v,
              (inner) => visit(inner, new Map(table)),
            ),
      );
      if (op.kind !== "loop") kill(table, op);
      if (op.kind === "store" && holdsWhatItIsGiven(op)) {
        table.set(keyOf(op), { value: op.value, type: op.value.type, memory: classOf(op) });
      }
    }
    return { ...region, ops, results: region.results.map(resolve) };
  };
  return { ...fn, body: visit(fn.body, new Map()) };
}

/** A property of an interface that classes implement may be an accessor. */
function shareable(object: Type): boolean {
  return object.kind === "tuple" || object.kind === "array" || (object.kind === "struct" && object.open !== true);
}

/** Typed arrays round, and drop what is written past their end. */
function holdsWhatItIsGiven(op: StoreOp): boolean {
  const { type } = op.object;
  return shareable(type) && !(type.kind === "array" && type.typed !== undefined) && passing(op.value.type) === "v";
}

function sameType(a: Type, b: Type): boolean {
  return a === b || (a.kind === b.kind && typeText(a) === typeText(b));
}
