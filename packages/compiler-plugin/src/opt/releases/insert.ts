/**
 * Where the functions of a derivative hold storage and let go of it. Whatever a registered derivative or a sum makes is
 * counted; every reference that outlives the operation it is given to has a count of its own:
 *
 * - A frame holds its value and what its backward function reads, until it is dropped. A gradient drops each frame after
 *   its last use; a forward function puts those that it made into its own (`held`).
 * - A cotangent that a backward function or a sum answers with belongs to whoever asked, who releases it after its last
 *   use, or hands it on.
 * - What is stored, captured, or given to code that is not seen, is held once more, and that for good: the garbage
 *   collector frees it. So are the entries of a stack, until it is dropped.
 *
 * What cannot be followed is not released; that costs memory and is never wrong.
 */
import {
  definitionsOf,
  type HirFunction,
  mapOp,
  type Op,
  type Region,
  type Type,
  type Value,
  walk,
} from "../../hir/index.ts";
import { type Owned, ownership } from "./ownership.ts";
import {
  type Holders,
  holdersOf,
  isSweep,
  keepsNothing,
  leafless,
  mayBeLeaf,
  mentions,
  placesOf,
  reach,
  sharing,
} from "./values.ts";

/** Which function of a derivative it is. */
export type Role = "forward" | "backward" | "joint";

export function insertReleases(fn: HirFunction, role: Role): HirFunction {
  return concerned(fn) ? new Insertion(fn, role).run() : fn;
}

/** Functions of numbers alone, literals in them included, have nothing to count. */
function concerned(fn: HirFunction): boolean {
  const holds = (type: Type): boolean =>
    type.kind === "leaf" || type.kind === "unknown" || (type.kind === "union" && type.members.some(holds));
  let found = [...fn.params, ...fn.captures].some((v) => holds(v.type));
  walk(fn.body, (op) => {
    found ||= op.results.some((v) => holds(v.type));
    if (op.kind !== "closure" || found) return;
    found = [op.function, ...(op.derivative?.codes ?? []).map((code) => code.function)].some(concerned);
  });
  return found;
}

class Insertion {
  private readonly fn: HirFunction;
  private readonly role: Role;
  private readonly places;
  private readonly definitions;
  private readonly holders: Holders;
  private readonly leafless: ReadonlySet<Value>;
  private readonly owned: Owned;
  private readonly edges: ReadonlyMap<Value, readonly Value[]>;
  private readonly before = new Map<Op, Map<string, Set<Value>>>();
  private readonly after = new Map<Op, Map<string, Set<Value>>>();
  private readonly starts = new Map<Region, Set<Value>>();
  private readonly ends = new Map<Region, Set<Value>>();
  private next = 0;

  constructor(fn: HirFunction, role: Role) {
    this.fn = fn;
    this.role = role;
    this.places = placesOf(fn);
    this.definitions = definitionsOf(fn.body);
    this.leafless = leafless(fn.body);
    this.holders = holdersOf(fn.body, this.leafless);
    this.owned = ownership(fn, role, this.holders, this.places);
    this.edges = sharing(fn.body, this.holders, this.owned.counted);
    for (const v of this.places.homes.keys()) this.next = Math.max(this.next, v.id + 1);
  }

  run(): HirFunction {
    this.holdWhatIsKept();
    for (const [region, values] of this.owned.held) for (const v of values) this.note(this.ends, region, v);
    for (const [op, values] of this.owned.heldBefore) for (const v of values) this.put(this.before, op, "hold", v);
    for (const v of this.owned.values) if (!this.owned.handedOn.has(v)) this.releaseAfterLastUse(v);
    if (this.role === "joint") this.dropFrames();
    return { ...this.fn, body: this.rewrite(this.fn.body) };
  }

  private get literal(): Op | undefined {
    const [result] = this.fn.body.results;
    const made = result === undefined ? undefined : this.definitions.get(result);
    return this.role === "forward" && made?.kind === "object" ? made : undefined;
  }

  /** Leaves that an operation puts somewhere, or gives to code that may. */
  private holdWhatIsKept(): void {
    walk(this.fn.body, (op) => {
      if (keepsNothing(op) || op === this.literal) return;
      for (const v of kept(op)) if (this.isLeaf(v)) this.put(this.before, op, "hold", v);
    });
  }

  private isLeaf(v: Value): boolean {
    return mayBeLeaf(v.type) && !this.leafless.has(v) && !this.holders.frames.has(v);
  }

  private releaseAfterLastUse(v: Value): void {
    const region = this.places.homes.get(v) as Region;
    const sharers = this.sharersOf(v);
    if (region.diverges === true || this.leaves(region, sharers)) return;
    const last = region.ops.findLast((op) => mentions(op, sharers) || op.results.includes(v));
    if (last === undefined) this.note(this.starts, region, v);
    else if (!this.keepsLast(last, v)) this.put(this.after, last, "release", v);
  }

  /** Where the last use is what keeps it, the count goes there. */
  private keepsLast(op: Op, v: Value): boolean {
    const holds = this.before.get(op)?.get("hold");
    if (holds?.has(v) !== true || kept(op).filter((each) => each === v).length > 1) return false;
    return holds.delete(v);
  }

  /** What may share the storage that a value's count is for, under this name or those that it had before. */
  private sharersOf(v: Value, seen = new Set<Value>()): Set<Value> {
    const found = reach(v, this.edges);
    seen.add(v);
    for (const [before, names] of this.owned.handedOn) {
      if (!names.includes(v) || seen.has(before)) continue;
      for (const other of this.sharersOf(before, seen))
        if (other !== before && !names.includes(other)) found.add(other);
    }
    return found;
  }

  /** Is one of the values the region's result, or defined outside of it? */
  private leaves(region: Region, values: ReadonlySet<Value>): boolean {
    if (region.results.some((v) => values.has(v))) return true;
    for (const v of values) if (!this.within(this.places.homes.get(v), region)) return true;
    return false;
  }

  private within(inner: Region | undefined, region: Region): boolean {
    for (let at = inner; at !== undefined; at = this.places.around.get(at)?.region) if (at === region) return true;
    return false;
  }

  /** A gradient runs each frame's backward function once: the frame ends with its last use. */
  private dropFrames(): void {
    const { frames, stacks } = this.holders;
    const everywhere = new Map([...frames].map((frame) => [frame, reach(frame, this.edges)] as const));
    /** What goes back to a frame that flows into `end`, with all that may share its storage. */
    const behind = (end: Value) => {
      const values = new Set(reach(end, this.edges));
      for (const found of everywhere.values()) if (found.has(end)) for (const v of found) values.add(v);
      return values;
    };
    const ends = [...frames, ...stacks].filter((end) => !this.flowsOn(end));
    for (const end of ends) {
      const region = this.places.homes.get(end) as Region;
      const values = behind(end);
      if (region.diverges === true || this.leaves(region, values) || this.strays(values)) continue;
      const last = region.ops.findLast((op) => mentions(op, values) || op.results.includes(end)) as Op;
      this.put(this.after, last, "drop", end);
      if (stacks.has(end)) this.dropEntries(end, region, everywhere);
    }
  }

  /** Frames that loops take off a stack end one by one, where nothing else reads what they hold from there on. */
  private dropEntries(stack: Value, region: Region, everywhere: ReadonlyMap<Value, ReadonlySet<Value>>): void {
    const loads: Value[] = [];
    walk(this.fn.body, (op) => {
      const read = (op.kind === "load" && op.object === stack) || (op.kind === "pop" && op.array === stack);
      if (read && op.results[0] !== undefined) loads.push(op.results[0]);
    });
    const [entry] = loads;
    if (entry === undefined || loads.length > 1 || !this.isFrame(entry)) return;
    const own = reach(entry, this.edges);
    const others = new Set<Value>();
    for (const found of everywhere.values())
      if (found.has(stack)) for (const v of found) if (!own.has(v) && v !== stack) others.add(v);
    const home = this.places.homes.get(entry) as Region;
    const from = region.ops.findIndex((op) => mentions(op, new Set([entry])));
    if (from < 0 || home === region || this.leaves(home, own)) return;
    if (region.ops.slice(from).some((op) => mentions(op, others))) return;
    const last = home.ops.findLast((op) => mentions(op, own)) as Op;
    this.put(this.after, last, "drop", entry);
  }

  /** Is the value given to backward functions? */
  private isFrame(v: Value): boolean {
    let found = false;
    walk(this.fn.body, (op) => {
      found ||= isSweep(op, "backward") && op.args[0] === v;
    });
    return found;
  }

  /** Does a frame merge with others, or go to a stack? */
  private flowsOn(v: Value): boolean {
    const { frames, stacks } = this.holders;
    return (this.edges.get(v) ?? []).some((next) => frames.has(next) || stacks.has(next));
  }

  /** Is a frame or a stack read by anything but what knows how? */
  private strays(values: ReadonlySet<Value>): boolean {
    const { frames, stacks } = this.holders;
    const own = (v: Value) => values.has(v) && (frames.has(v) || stacks.has(v));
    let found = false;
    walk(this.fn.body, (op) => {
      if (op.kind === "load" || op.kind === "pop" || op.kind === "if" || op.kind === "cursor") return;
      if (op.kind === "store" || op.kind === "push") {
        const target = op.kind === "store" ? op.object : op.array;
        found ||= own(op.value) && !stacks.has(target);
      } else if (isSweep(op, "backward")) found ||= op.args.slice(1).some(own);
      else found ||= (op.kind === "loop" ? op.initial : kept(op)).some(own);
    });
    return found;
  }

  private put(places: Map<Op, Map<string, Set<Value>>>, op: Op, fn: string, v: Value): void {
    const calls = places.get(op) ?? new Map<string, Set<Value>>();
    places.set(op, calls);
    calls.set(fn, (calls.get(fn) ?? new Set()).add(v));
  }

  private note(places: Map<Region, Set<Value>>, region: Region, v: Value): void {
    places.set(region, (places.get(region) ?? new Set()).add(v));
  }

  private rewrite(region: Region): Region {
    const call = (fn: string, args: Iterable<Value>, { span }: Pick<Op, "span">): Op => ({
      kind: "runtime",
      fn,
      args: [...args],
      effects: true,
      span,
      results: [],
    });
    const calls = (places: typeof this.before, op: Op) =>
      [...(places.get(op) ?? [])].flatMap(([fn, values]) => (values.size === 0 ? [] : [call(fn, values, op)]));
    const ops = region.ops.flatMap((op) => [
      ...calls(this.before, op),
      ...(op === this.literal ? this.withHeld(op) : [this.counting(op)]),
      ...calls(this.after, op),
    ]);
    const at = region.ops.at(-1) ?? this.fn;
    const start = this.starts.get(region);
    const end = this.ends.get(region);
    return {
      ...region,
      ops: [
        ...(start === undefined ? [] : [call("release", start, at)]),
        ...ops,
        ...(end === undefined ? [] : [call("hold", end, at)]),
      ],
    };
  }

  /** The operation itself: sums are counted, and so is what literals of functions keep. */
  private counting(op: Op): Op {
    if (op.kind === "runtime" && op.fn === "add") return { ...op, fn: "sum", effects: true };
    const made = mapOp(
      op,
      (v) => v,
      (region) => this.rewrite(region),
    );
    if (made.kind !== "closure" || made.derivative === undefined) return made;
    const codes = made.derivative.codes.map((code) =>
      code.sweep === "jvp" ? code : { ...code, function: insertReleases(code.function, code.sweep) },
    );
    return { ...made, derivative: { ...made.derivative, codes } };
  }

  /** A forward function's frame, with what it holds. */
  private withHeld(op: Op): Op[] {
    if (op.kind !== "object") return [op];
    const { frames, stacks } = this.holders;
    const leaves = op.entries.map((entry) => entry.value).filter((v) => this.isLeaf(v));
    const top = [...frames, ...stacks].filter((v) => this.places.homes.get(v) === this.fn.body);
    if (top.length === 0 && leaves.length === 0) return [op];
    const made = (name: string): Value => ({ id: this.next++, type: { kind: "inert", text: name }, name });
    const list = made("frames");
    const value = made("held");
    const { span } = op;
    return [
      { kind: "array", elements: top, spread: top.map(() => false), span, results: [list] },
      { kind: "runtime", fn: "held", args: [list, ...new Set(leaves)], effects: true, span, results: [value] },
      { ...op, entries: [...op.entries, { key: "held", value }] },
    ];
  }
}

/** The operands that an operation may keep. */
function kept(op: Op): readonly Value[] {
  switch (op.kind) {
    case "store":
    case "push":
      return [op.value];
    case "object":
      return op.entries.map((entry) => entry.value);
    case "array":
      return op.elements;
    case "newArray":
      return op.fill === undefined ? [] : [op.fill];
    case "closure":
      return [...op.captures, ...(op.derivative?.codes ?? []).flatMap((code) => code.captures)];
    case "opaque":
      return op.operands;
    case "new":
    case "call":
    case "runtime":
    case "sweep":
      return op.args;
    default:
      return [];
  }
}
