/**
 * Accesses to one slot in straight-line code. Reversed, `a.x += e` takes the adjoint out of its slot, clears the slot and
 * adds to it: `t = s.x; s.x = 0; …; s.x += t`. A slot that was cleared need not be read, what nobody has read need not
 * have been written, and what is there already need not be put back: `t = s.x` is left.
 */
import {
  type Key,
  type LoadOp,
  mapOp,
  narrowed,
  type Op,
  type Region,
  type StoreOp,
  slotKey,
  type Type,
  type Value,
  walk,
} from "../hir/index.ts";

interface Slot {
  readonly object: Value;
  readonly key: Key;
  /** What a read would give, where that is zero or has been read before. */
  current: Value | undefined;
  /** What was there before `pending`, where that is known. */
  before: Value | undefined;
  /** A write that nobody has seen yet. */
  pending: StoreOp | undefined;
}

export function settleSlots(region: Region): Region {
  const zeros = new Set<Value>();
  walk(region, (op) => {
    // A zero that somebody wrote is the program's own, and has a sign.
    if (op.kind === "const" && op.value === 0 && op.written !== true) zeros.add(op.results[0] as Value);
  });
  const replaced = new Map<Value, Value>();
  const resolve = (v: Value): Value => replaced.get(v) ?? v;
  const inside = (r: Region): Region => {
    const slots = new Slots(zeros);
    const ops: Op[] = [];
    for (const original of r.ops) {
      const op = mapOp(original, resolve, inside);
      if ((op.kind === "load" || op.kind === "store") && !hasNamedSlots(op.object.type)) {
        slots.forget();
        ops.push(op);
      } else if (op.kind === "load") {
        const known = slots.load(op);
        if (known === undefined) ops.push(op);
        else replaced.set(op.results[0] as Value, known);
      } else if (op.kind === "store") {
        if (slots.store(op)) ops.push(op);
      } else {
        if (!touchesNoSlot(op)) slots.forget();
        ops.push(op);
      }
    }
    return { ...r, ops: ops.filter((op) => !slots.unseen.has(op)), results: r.results.map(resolve) };
  };
  return inside(region);
}

/** Accesses by name: two objects may be one, two names are two slots. */
class Slots {
  readonly unseen = new Set<Op>();
  readonly #zeros: ReadonlySet<Value>;
  readonly #slots = new Map<string, Slot[]>();

  constructor(zeros: ReadonlySet<Value>) {
    this.#zeros = zeros;
  }

  forget(): void {
    this.#slots.clear();
  }

  /** What a read gives, where that is known without it. */
  load({ object, key, results }: LoadOp): Value | undefined {
    const { own, others } = this.#named(object, key);
    if (own.current !== undefined) return own.current;
    for (const slot of [own, ...others]) {
      if (slot.pending !== undefined) slot.before = slot.current;
      slot.pending = undefined;
    }
    own.current = results[0] as Value;
    own.before = own.current;
    return undefined;
  }

  /** Whether a write is needed as far as one can see. */
  store(op: StoreOp): boolean {
    const { own, others } = this.#named(op.object, op.key);
    for (const slot of others) {
      slot.current = undefined;
      slot.before = undefined;
      slot.pending = undefined;
    }
    if (own.pending !== undefined) this.unseen.add(own.pending);
    own.pending = undefined;
    // Something else than a zero may be rounded on its way into a typed array.
    own.current = this.#zeros.has(op.value) || op.value === own.before ? op.value : undefined;
    if (op.value === own.before) return false;
    own.pending = op;
    return true;
  }

  #named(object: Value, key: Key): { own: Slot; others: readonly Slot[] } {
    const name = slotKey(key, object.type);
    const slots = this.#slots.get(name) ?? [];
    this.#slots.set(name, slots);
    let own = slots.find((slot) => slot.object === object && sameKey(slot.key, key));
    if (own === undefined) {
      own = { object, key, current: undefined, before: undefined, pending: undefined };
      slots.push(own);
    }
    return { own, others: slots.filter((slot) => slot !== own) };
  }
}

/** Entries of Maps and records go by keys that no name tells apart; of an unknown object they may be such entries. */
function hasNamedSlots(type: Type): boolean {
  const { kind } = narrowed(type);
  return kind !== "map" && kind !== "unknown" && kind !== "union";
}

function sameKey(a: Key, b: Key): boolean {
  if (a.kind === "index") return b.kind === "index" && a.index === b.index;
  return b.kind === "field" && a.name === b.name;
}

/** Whether an operation neither reads nor writes a slot of an object that was there before it. */
function touchesNoSlot(op: Op): boolean {
  switch (op.kind) {
    case "const":
    case "global":
    case "prim":
    case "math":
    case "new":
    case "newArray":
    case "allocate":
      return true;
    case "object":
      return op.entries.every((entry) => entry.key !== undefined);
    case "array":
      return !op.spread.some(Boolean);
    default:
      return false;
  }
}
