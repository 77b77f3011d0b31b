/**
 * Stacks: one array per value that a loop defines and the reverse sweep needs. Where the number of entries is known at
 * the loop's entry they are stored and read by the number of the iteration; else they are pushed, and popped in the
 * opposite order.
 */
import {
  arrayOf,
  Builder,
  type Ids,
  inertType,
  intType,
  isInteger,
  type LoopOp,
  literal,
  type Op,
  type Region,
  type Type,
  type Value,
} from "../hir/index.ts";
import type { LoopRecord } from "./context.ts";
import type { Layout } from "./layout.ts";

/** A stack, and how the forward sweep filled it. */
export interface Stack {
  readonly array: Value;
  /** Region around the outermost loop, where the stack is made. */
  readonly around: Region;
  /** Bodies of the loops whose iterations number the entries, from the outside, with the loops' counts; undefined where entries are popped. */
  readonly numbered: readonly { readonly body: Region; readonly count: Value | undefined }[] | undefined;
}

/** Small stacks are cheaper as plain arrays, large ones as typed ones. */
const large = 1024;

export class Stacks {
  private readonly ids: Ids;
  private readonly layout: Layout;
  private readonly loops: ReadonlyMap<Region, LoopRecord>;
  private readonly known = new Map<Value, Stack>();

  constructor(ids: Ids, layout: Layout, loops: ReadonlyMap<Region, LoopRecord>) {
    this.ids = ids;
    this.layout = layout;
    this.loops = loops;
  }

  /** The stack of a value that the loop body `region` inside `base` defines; made, and filled at the end of each iteration. */
  of(v: Value, region: Region, base: Region, adopt: (made: Value, region: Region, op: Op) => void): Stack {
    const known = this.known.get(v);
    if (known !== undefined) return known;
    const chain = this.chain(region, base);
    const outermost = chain[0] as { loop: LoopOp; parent: Region; body: Region };
    const made = new Builder([], this.ids, outermost.loop.span);
    const end = new Builder(region.ops, this.ids, outermost.loop.span);
    const name = `${v.name ?? "v"}_stack`;
    // A number that may be absent would come back from a typed array as NaN.
    const numeric = v.type.kind === "number" || (v.type.kind === "inert" && v.type.text === "Int");
    const element: Type = numeric ? { kind: "number" } : v.type.kind === "inert" ? inertType : v.type;
    const counts = chain.map(({ loop, body }) => this.count(made, loop, body, outermost.parent));
    let array: Value;
    let numbered: { body: Region; count: Value | undefined }[] | undefined;
    if (counts.every((c) => c !== undefined)) {
      const length = counts.reduce((a, b) => made.prim("*", [a as Value, b as Value], intType)) as Value;
      const known = literal(length, this.layout.definitions);
      const typed = numeric && (counts.length > 1 || (typeof known === "number" && known >= large));
      array = made.stack(length, typed ? arrayOf(element, "Float64Array") : arrayOf(element), name);
      numbered = chain.map(({ body }, i) => ({ body, count: counts[i] }));
      end.store(
        array,
        place(end, numbered, (body) => body.params[0] as Value),
        v,
      );
    } else {
      array = made.array([], arrayOf(element), { name, stack: true });
      end.push(array, v);
      if (chain.length === 1) numbered = [{ body: region, count: undefined }];
    }
    const { ops } = outermost.parent;
    ops.splice(ops.indexOf(outermost.loop), 0, ...made.ops);
    for (const op of made.ops) for (const r of op.results) adopt(r, outermost.parent, op);
    const stack: Stack = { array, around: outermost.parent, numbered };
    this.known.set(v, stack);
    return stack;
  }

  /** The loops around a region within `base`, from the outside. */
  private chain(region: Region, base: Region): { loop: LoopOp; parent: Region; body: Region }[] {
    const found: { loop: LoopOp; parent: Region; body: Region }[] = [];
    let at: Region = region;
    while (at !== base) {
      const place = this.layout.places.get(at);
      if (place === undefined) break;
      if (place.op.kind === "loop") found.unshift({ loop: place.op, parent: place.parent, body: at });
      at = place.parent;
    }
    return found;
  }

  /** The number of iterations of a loop from 0 by 1, where it is known outside all loops. */
  private count(b: Builder, loop: LoopOp, body: Region, outside: Region): Value | undefined {
    const { counted } = loop;
    const { definitions } = this.layout;
    if (counted === undefined || this.loops.get(body)?.kind !== "index") return undefined;
    if (counted.step !== 1 || counted.comparison !== "<" || literal(counted.start, definitions) !== 0) return undefined;
    const made = definitions.get(counted.end);
    let end = counted.end;
    if (made !== undefined && (made.kind === "const" || made.kind === "global")) {
      end = { ...counted.end, id: this.ids.next++ };
      b.emit({ ...made, results: [end] });
      if (made.kind === "const" && Number.isSafeInteger(made.value) && (made.value as number) >= 0) return end;
    } else if (!this.visible(end, outside)) return undefined;
    const isLength = made?.kind === "load" && made.key.kind === "field" && made.key.name === "length";
    if (isLength && made.object.type.kind !== "struct") return end;
    // `| 0` makes no entries of an end that is not a number.
    const whole = isInteger(counted.end, definitions) ? end : b.prim("|", [b.math("ceil", [end]), b.const(0)], intType);
    return b.math("max", [b.const(0), whole]);
  }

  /** Is a value defined where code at the outermost loop of `outside` can read it? */
  private visible(v: Value, outside: Region): boolean {
    const home = this.layout.homes.get(v);
    for (let at: Region | undefined = outside; at !== undefined; at = this.layout.places.get(at)?.parent) {
      if (at === home) return true;
    }
    return false;
  }
}

/** The number of an entry: that of its innermost iteration, among those of all loops around it. */
export function place(
  b: Builder,
  numbered: NonNullable<Stack["numbered"]>,
  iteration: (body: Region) => Value,
  available: (count: Value) => Value = (count) => count,
): Value {
  const [first, ...inner] = numbered as [{ body: Region }, ...{ body: Region; count: Value | undefined }[]];
  let at = iteration(first.body);
  for (const { body, count } of inner) {
    const before = b.prim("*", [at, available(count as Value)], intType);
    at = b.prim("+", [before, iteration(body)], intType);
  }
  return at;
}
