/**
 * The programs and who runs what: a stretch of a trace that is new runs node by node, and all that it computes is kept;
 * when it comes again, it is compiled, and keeps only what was asked for after the first time. What proves to be needed
 * later all the same is computed anew, once, and the program is compiled again to keep it.
 */
import { PullbackError } from "@pullback/autodiff";
import type { NDArray } from "../../backend/backend.ts";
import { observerFromEnvironment } from "./dump.ts";
import type { Node, Origin, Value } from "./graph.ts";
import { valueBehind } from "./graph.ts";
import { interpret } from "./interpret.ts";
import { type Machine, Program, UnfitNumber } from "./program.ts";
import { stretches } from "./rerolling.ts";
import { Segment } from "./segment.ts";

/** What has been done so far. */
interface Metrics {
  /** Traces run, by what cut them. */
  readonly cuts: Record<string, number>;
  /** Stretches run node by node. */
  interpreted: number;
  /** Stretches run by a compiled program. */
  compiledRuns: number;
  /** Programs compiled, again included. */
  programs: number;
  /** Values computed anew because their program had not kept them. */
  recovered: number;
}

/** Why a program was compiled. */
type CompileCause = "it came again" | "it came" | "more of its results are needed";

/** Sees what happens, for dumps. */
export interface Observer {
  cut(cause: string, lengths: readonly number[]): void;
  interpreted(segment: Segment): void;
  compiled(segment: Segment, program: Program, cause: CompileCause): void;
}

/** One stretch in all its occurrences. */
class Entry implements Origin {
  readonly wanted = new Set<number>();
  program: Program | undefined;
  seen = false;

  usedLater(slot: number): void {
    this.wanted.add(slot);
  }
}

/** More traces or stretches than this are not remembered: then all are forgotten. */
const mostEntries = 2048;

export class Programs {
  readonly metrics: Metrics = { cuts: {}, interpreted: 0, compiledRuns: 0, programs: 0, recovered: 0 };
  private readonly machine: Machine;
  /** Compiles what comes for the first time too; for tests. */
  compileAtOnce = false;
  /** Sees what happens. */
  observer: Observer | undefined = observerFromEnvironment();
  private readonly entries = new Table<Entry>();
  private readonly splits = new Table<readonly number[]>();

  constructor(machine: Machine) {
    this.machine = machine;
  }

  forget(): void {
    this.entries.clear();
    this.splits.clear();
    this.machine.kernels.clear();
  }

  /** Runs a trace. `observed` must be there afterwards, or have its error. */
  run(nodes: readonly Node[], cause: string, observed: Value | undefined): void {
    this.metrics.cuts[cause] = (this.metrics.cuts[cause] ?? 0) + 1;
    if (nodes.length === 0) return;
    const whole = new Segment(nodes);
    const key = whole.key();
    let lengths = this.splits.get(key);
    if (lengths === undefined) {
      lengths = stretches(nodes);
      this.splits.set(key, lengths);
    }
    this.observer?.cut(cause, lengths);
    const observedSlots = new Set<Value>(observed === undefined ? [] : [observed]);
    if (lengths.length === 1) {
      this.runSegment(whole, key, observedSlots, true);
      return;
    }
    let at = 0;
    const segments = lengths.map((length) => {
      at += length;
      return new Segment(nodes.slice(at - length, at));
    });
    const passed = passedOn(segments);
    segments.forEach((segment, k) => {
      const kept = new Set([...passed.needed[k]!, ...observedSlots]);
      this.runSegment(segment, segment.key(), kept, false);
      for (const value of passed.done[k]!) this.endPassage(value, value === observed);
    });
  }

  private runSegment(segment: Segment, key: Int32Array, kept: ReadonlySet<Value>, isWhole: boolean): void {
    let entry = this.entries.get(key);
    if (entry === undefined) {
      entry = new Entry();
      this.entries.set(key, entry);
    }
    segment.values.forEach((value, slot) => {
      value.origin = entry;
      value.slot = slot;
    });
    const first = !entry.seen;
    entry.seen = true;
    if (first && !this.compileAtOnce) {
      this.observer?.interpreted(segment);
      this.interpret(segment);
      return;
    }
    const required = new Set(entry.wanted);
    segment.values.forEach((value, slot) => {
      const isLast = segment.readers[slot]!.length === 0 && !value.released;
      if (isLast || kept.has(value)) required.add(slot);
    });
    const known = entry.program;
    if (known === undefined || [...required].some((slot) => !known.outputs.has(slot))) {
      const outputs = known === undefined ? required : new Set([...known.outputs, ...required]);
      entry.program = new Program(this.machine, segment, outputs);
      this.metrics.programs++;
      const cause = known !== undefined ? "more of its results are needed" : first ? "it came" : "it came again";
      this.observer?.compiled(segment, entry.program, cause);
    }
    const program = entry.program!;
    let arrays: (NDArray | undefined)[];
    try {
      arrays = program.run(segment.nodes);
    } catch (error) {
      if (!(error instanceof PullbackError || error instanceof UnfitNumber)) throw error;
      // Node by node, so that each value has its own result or its own error.
      this.interpret(segment);
      return;
    }
    this.metrics.compiledRuns++;
    for (const node of segment.nodes) node.executed = true;
    for (const slot of program.outputs) {
      const value = segment.values[slot]!;
      const array = arrays[slot]!;
      if (value.released && !kept.has(value)) this.machine.eager.release(array.storage);
      else if (isWhole || entry.wanted.has(slot) || segment.readers[slot]!.length === 0) value.settle(array);
      // Passed on to later stretches of the trace: its recipe stays until it is known to be kept.
      else value.array = array;
    }
  }

  private interpret(segment: Segment): void {
    this.metrics.interpreted++;
    for (const node of segment.nodes) interpret(this.machine.eager, node);
  }

  /** Frees a value that was only passed from one stretch to another. */
  private endPassage(value: Value, isObserved: boolean): void {
    if (value.array === null || value.node === null) return;
    if (isObserved) value.settle(value.array);
    else {
      this.machine.eager.release(value.array.storage);
      value.array = null;
    }
  }
}

/** For each segment the values that later ones read, and those whose last reader it is. */
function passedOn(segments: readonly Segment[]): { needed: Set<Value>[]; done: Set<Value>[] } {
  const home = new Map<Value, number>();
  const lastReader = new Map<Value, number>();
  const needed = segments.map(() => new Set<Value>());
  segments.forEach((segment, k) => {
    for (const node of segment.nodes)
      for (const operand of node.operands) {
        const value = valueBehind(operand);
        const from = value === undefined ? undefined : home.get(value);
        if (from === undefined || from === k) continue;
        needed[from]!.add(value!);
        lastReader.set(value!, k);
      }
    for (const value of segment.values) home.set(value, k);
  });
  const done = segments.map(() => new Set<Value>());
  for (const [value, k] of lastReader) done[k]!.add(value);
  return { needed, done };
}

/** A map whose keys are compared word by word. */
class Table<T> {
  private readonly buckets = new Map<number, { readonly key: Int32Array; value: T }[]>();
  private size = 0;

  get(key: Int32Array): T | undefined {
    return this.buckets.get(hash(key))?.find((entry) => equal(entry.key, key))?.value;
  }

  set(key: Int32Array, value: T): void {
    if (this.size >= mostEntries) this.clear();
    const code = hash(key);
    const bucket = this.buckets.get(code);
    if (bucket === undefined) this.buckets.set(code, [{ key, value }]);
    else bucket.push({ key, value });
    this.size++;
  }

  clear(): void {
    this.buckets.clear();
    this.size = 0;
  }
}

/** FNV-1a over words (Fowler, Noll and Vo). */
function hash(words: Int32Array): number {
  let code = 0x811c9dc5 | 0;
  for (let i = 0; i < words.length; i++) code = Math.imul(code ^ words[i]!, 0x01000193);
  return code;
}

function equal(a: Int32Array, b: Int32Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
