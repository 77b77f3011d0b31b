/**
 * A compiled segment: fused kernels and primitives in an order in which they can run, with memory planned for the
 * whole. It is compiled from one trace and runs for every trace of the same key, with that trace's inputs and numbers.
 */
import type { NDArray } from "../../backend/backend.ts";
import { rowMajorStrides, sizeOf } from "../../shape.ts";
import { elementBytes } from "../eager/arrays.ts";
import type { EagerBackend } from "../eager/index.ts";
import type { Handle } from "../eager/memory/index.ts";
import { type Share, shares } from "../eager/threads/index.ts";
import { located, type Node, type Value, valueBehind } from "./graph.ts";
import { type Group, Grouping } from "./groups.ts";
import { runPrimitive } from "./interpret.ts";
import { type Kernel, type KernelCache, mostParameterBytes, mostParts, parameterBytes } from "./kernels/index.ts";
import { isConstant, type Lowered, lower } from "./lower.ts";
import { type Lifetime, type MemoryPlan, planMemory } from "./memory-plan.ts";
import type { Segment } from "./segment.ts";

type Work =
  | { readonly kind: "primitive"; readonly node: number; readonly slots: readonly number[] }
  | { readonly kind: "kernel"; readonly kernel: Kernel; readonly lowered: Lowered; readonly nodes: readonly number[] };

interface ProgramStep {
  readonly work: Work;
  /** Slots whose arrays nobody reads any more, and which are not in the planned block. */
  readonly dead: readonly number[];
}

/** A kernel stages small operands, for which there are so many places. */
const mostInputs = 28;

/** Groups of one node that the eager backend has no generated code for. */
const fusedAlone: ReadonlySet<string> = new Set(["cast", "unary", "binary", "binaryScalar", "where", "clip"]);

/** What programs run with. */
export interface Machine {
  readonly eager: EagerBackend;
  readonly kernels: KernelCache;
  /** Where kernels read their parameters. */
  parameters(): number;
}

export class Program {
  readonly outputs: ReadonlySet<number>;
  readonly steps: readonly ProgramStep[];
  readonly plan: MemoryPlan;
  /** Template of every slot: what it is when it is there. */
  private readonly shapes: readonly Pick<Value, "dtype" | "shape">[];
  private readonly reads: readonly (readonly number[])[];
  private readonly machine: Machine;

  constructor(machine: Machine, segment: Segment, outputs: ReadonlySet<number>) {
    this.machine = machine;
    this.outputs = outputs;
    this.reads = segment.reads;
    this.shapes = segment.values.map(({ dtype, shape }) => ({ dtype, shape }));
    const works = worksOf(machine, segment, outputs);
    const lastRead = lastReads(segment, works);
    const lifetimes: Lifetime[] = [];
    works.forEach((work, at) => {
      if (work.kind !== "kernel") return;
      for (const { slot } of [...work.lowered.outputs, ...work.lowered.gatherings])
        if (!outputs.has(slot))
          lifetimes.push({
            slot,
            bytes: segment.values[slot]!.byteLength,
            first: at,
            last: lastRead.get(slot) ?? at,
          });
    });
    this.plan = planMemory(lifetimes);
    this.steps = works.map((work, at) => {
      const dead: number[] = [];
      for (const [slot, last] of lastRead)
        if (last === at && !outputs.has(slot) && !this.plan.offsets.has(slot)) dead.push(slot);
      return { work, dead };
    });
  }

  /** Runs for the nodes of a trace of the same key: the arrays of its outputs, by slot. */
  run(nodes: readonly Node[]): (NDArray | undefined)[] {
    const { eager } = this.machine;
    const { arena } = eager.engine;
    const arrays: (NDArray | undefined)[] = new Array(this.shapes.length).fill(undefined);
    arena.begin();
    const block = this.plan.bytes > 0 ? arena.allocate(this.plan.bytes) : undefined;
    for (const [slot, offset] of this.plan.offsets) arrays[slot] = this.arrayIn(block!, slot, offset);
    let done = false;
    try {
      for (const { work, dead } of this.steps) {
        if (work.kind === "primitive") this.runPrimitive(nodes[work.node]!, work, arrays);
        else this.runKernel(nodes, work.kernel, work.lowered, arrays, block);
        for (const slot of dead) {
          const array = arrays[slot];
          if (array !== undefined) eager.release(array.storage);
          arrays[slot] = undefined;
        }
      }
      done = true;
    } finally {
      if (block !== undefined) arena.release(block);
      if (!done)
        for (const [slot, array] of arrays.entries())
          if (array !== undefined && !this.plan.offsets.has(slot)) eager.release(array.storage);
    }
    return arrays;
  }

  private arrayIn(block: Handle, slot: number, offset: number): NDArray {
    const { dtype, shape } = this.shapes[slot]!;
    const strides = rowMajorStrides(shape);
    return { storage: block, dtype, shape, strides, offset: offset / elementBytes[dtype] };
  }

  private runPrimitive(
    node: Node,
    { node: i, slots }: Extract<Work, { kind: "primitive" }>,
    arrays: (NDArray | undefined)[],
  ): void {
    const operands = node.operands.map((_, j) => this.operand(node, i, j, arrays));
    const results = runPrimitive(this.machine.eager, node, operands);
    slots.forEach((slot, k) => {
      arrays[slot] = results[k]!;
    });
  }

  private runKernel(
    nodes: readonly Node[],
    kernel: Kernel,
    lowered: Lowered,
    arrays: (NDArray | undefined)[],
    block: Handle | undefined,
  ): void {
    const { engine } = this.machine.eager;
    const { arena } = engine;
    const given = lowered.inputs.map(({ node, operand }) => this.operand(nodes[node]!, node, operand, arrays));
    const operands = given.map((x) => this.machine.eager.brought(x));
    const at = this.machine.parameters();
    engine.begin();
    for (const operand of operands) engine.use(operand);
    if (block !== undefined) arena.resident(block);
    for (const { slot } of [...lowered.outputs, ...lowered.gatherings]) arrays[slot] ??= this.create(slot);
    const parts = partsOf(lowered, engine.pool.threads);
    const sums = lowered.gatherings.map(({ size }) => {
      const stride = 8 * size + 64;
      return { stride, address: arena.scratch(stride * parts.length) };
    });
    const words = arena.views.int32;
    const first = at >>> 2;
    words.set(lowered.block, first);
    lowered.inputs.forEach(({ word }, k) => {
      words[first + word] = engine.address(operands[k]!);
    });
    for (const { slot, word } of lowered.outputs) words[first + word] = engine.address(arrays[slot]!);
    lowered.gatherings.forEach(({ word }, k) => {
      const { address, stride } = sums[k]!;
      engine.clear(address, stride * parts.length);
      words[first + word] = address;
    });
    for (const { node, scalar, word, lane } of lowered.scalars) {
      const number = nodes[node]!.scalars[scalar]!;
      if (lane === "float32") arena.views.float32[first + word] = number;
      else words[first + word] = lane === "bool" ? Number(number !== 0) : requireInt32(number);
    }
    if (parts.length === 1) kernel.functions.run!(at);
    else {
      // Each share has parameters of its own, the first those that are there.
      const { division, block: template } = lowered;
      const gathered = new Map(lowered.gatherings.map(({ word }, k) => [word, sums[k]!.stride]));
      const tasks = parts.map(({ start, size }, p) => {
        const own = first + p * (mostParameterBytes / 4);
        if (p > 0) words.copyWithin(own, first, first + template.length);
        for (const { word, bytes } of division.pointers)
          words[own + word] = words[first + word]! + start * bytes + p * (gathered.get(word) ?? 0);
        words[own + division.word] = size;
        return [own * 4];
      });
      engine.pool.run(kernel, "run", tasks);
    }
    given.forEach((x, k) => {
      engine.discard(operands[k]!, x);
    });
    lowered.gatherings.forEach(({ slot }, k) => {
      const { address, stride } = sums[k]!;
      const array = arrays[slot]!;
      kernel.functions.finish!(address, stride, parts.length, engine.address(array), 4 * sizeOf(array.shape));
      arena.freeScratch(address, stride * parts.length);
    });
  }

  /** An array of its own, in the arena whatever its size, since kernels write there. */
  private create(slot: number): NDArray {
    const { dtype, shape } = this.shapes[slot]!;
    const storage = this.machine.eager.engine.arena.allocate(sizeOf(shape) * elementBytes[dtype]);
    return { storage, dtype, shape, strides: rowMajorStrides(shape), offset: 0 };
  }

  private operand(node: Node, i: number, j: number, arrays: readonly (NDArray | undefined)[]): NDArray {
    const x = node.operands[j]!;
    const slot = this.reads[i]![j]!;
    if (slot < 0) {
      const error = valueBehind(x)?.error;
      if (error !== undefined) throw error;
      return located(x);
    }
    const { storage, offset } = arrays[slot]!;
    return { storage, dtype: x.dtype, shape: x.shape, strides: x.strides, offset: offset + x.offset };
  }
}

/** Work (iterations by steps) below which a share of a kernel is not worth a thread's while. */
const leastWork = 2 ** 17;

/** Shares of a kernel that gathers sums: as many for any number of threads, so that the sums do not depend on it. */
const gatheringParts = 8;
const mostGatheredBytes = 2 ** 22;

/** The shares in which a kernel runs. */
function partsOf({ division, gatherings }: Lowered, threads: number): Share[] {
  const { extent, step, work } = division;
  const whole = [{ start: 0, size: extent }];
  if (step === undefined || extent * work < 2 * leastWork) return whole;
  const gathered = gatherings.reduce((sum, { size }) => sum + 8 * size * gatheringParts, 0);
  if (gathered > mostGatheredBytes) return whole;
  return shares(extent, gatherings.length > 0 ? gatheringParts : Math.min(threads, mostParts), step, leastWork / work);
}

/** A number met integers that a fused kernel cannot hold: the eager backend compares them as they are. */
export class UnfitNumber extends Error {}

function requireInt32(number: number): number {
  if ((number | 0) !== number) throw new UnfitNumber(`${number} is no int32.`);
  return number;
}

/** The kernels and primitives of a segment, in order. Numbers that kernels take are computed for nobody else. */
function worksOf(machine: Machine, segment: Segment, outputs: ReadonlySet<number>): Work[] {
  const grouping = new Grouping(segment);
  const groups = grouping.ordered();
  const homes = new Map<number, Group>();
  for (const group of groups) for (const node of group.nodes) homes.set(node, group);
  const works: Work[] = [];
  const lowerings = new Map<Group, Lowered>();
  for (const group of groups) {
    if (group.shape === undefined || isBetterAlone(segment, group)) continue;
    const needed = (slot: number): boolean =>
      outputs.has(slot) || segment.readers[slot]!.some((reader) => homes.get(reader) !== group);
    const lowered = lower(segment, group, (node) => grouping.extentOf(node), needed);
    const fits = lowered.inputs.length <= mostInputs && parameterBytes(lowered.spec) <= mostParameterBytes;
    if (fits) lowerings.set(group, lowered);
  }
  for (const group of groups) {
    const lowered = lowerings.get(group);
    if (lowered !== undefined) {
      works.push({ kind: "kernel", kernel: machine.kernels.kernel(lowered.spec), lowered, nodes: group.nodes });
      continue;
    }
    for (const i of group.nodes) {
      const node = segment.nodes[i]!;
      const first = segment.firstSlot[i]!;
      const slots = node.values.map((_, k) => first + k);
      const readers = segment.readers[first]!;
      const isTaken =
        isConstant(node) && !outputs.has(first) && readers.every((reader) => lowerings.has(homes.get(reader)!));
      if (!isTaken) works.push({ kind: "primitive", node: i, slots });
    }
  }
  return works;
}

/** A single node, for which the eager backend has a kernel of its own. */
function isBetterAlone(segment: Segment, group: Group): boolean {
  if (group.nodes.length > 1) return false;
  const node = segment.nodes[group.nodes[0]!]!;
  const { name, meaning } = node.primitive;
  if (!fusedAlone.has(name)) return true;
  const [x] = node.operands;
  return meaning?.kind !== "cast" && x!.dtype === "float32" && node.values[0]!.dtype === "float32";
}

/** The last step that reads each slot; slots that nobody reads end with their own step. */
function lastReads(segment: Segment, works: readonly Work[]): Map<number, number> {
  const last = new Map<number, number>();
  works.forEach((work, at) => {
    if (work.kind === "primitive") {
      for (const slot of work.slots) last.set(slot, at);
      for (const slot of segment.reads[work.node]!) if (slot >= 0) last.set(slot, at);
      return;
    }
    for (const { slot } of [...work.lowered.outputs, ...work.lowered.gatherings]) last.set(slot, at);
    for (const { node, operand } of work.lowered.inputs) {
      const slot = segment.reads[node]![operand]!;
      if (slot >= 0) last.set(slot, at);
    }
  });
  return last;
}
