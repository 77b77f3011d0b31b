/**
 * More memories than one. Addresses of a WebAssembly memory end at 4 GiB, and ours at 2 GiB; where more than that is
 * alive, further memories are taken, each with its own instances of all kernels: a backend of its own behind this one.
 * An operation runs in the memory of its largest operand, and copies of the others are brought there for it. A tensor
 * never spans memories. Until the first memory is full nothing of this is in the way.
 */
import type { MemoryStats, NDArray } from "../../backend/backend.ts";
import type { DType } from "../../dtype.ts";
import { elementBytes, sizeOf } from "./arrays.ts";
import type { EagerBackend } from "./eager-backend.ts";
import type { Handle } from "./memory/index.ts";

/** 32 GiB, if the machine has them. */
export const mostMemories = 16;

/** Smaller arrays are not worth another memory. */
const leastBytes = 2 ** 16;

/** Bytes that a primitive without operands makes. */
const made: Readonly<Record<string, (...args: any[]) => number>> = {
  fromHost: (data: ArrayBufferView) => data.byteLength,
  full: (shape: readonly number[], _value: number, dtype: DType) => sizeOf(shape) * elementBytes[dtype],
  arange: (_start: number, _step: number, count: number, dtype: DType) => count * elementBytes[dtype],
  randomBits: (_k0: number, _k1: number, count: number) => 4 * count,
};

/** Primitives that read operands. */
const primitives = [
  ...[
    "readSync",
    "read",
    "contiguous",
    "cast",
    "unary",
    "binary",
    "binaryScalar",
    "clip",
    "where",
    "reduce",
    "argReduce",
  ],
  ...["scan", "argsort", "matmul", "convolve", "convolveInputAdjoint", "convolveWeightAdjoint", "windowArgmax"],
  ...["cholesky", "qr", "svd", "eigh", "solve", "triangularSolve", "determinant", "fourier", "concatenate", "pad"],
  ...["gather", "gatherAdjoint", "takeAlongAxis", "scatterAdd", "sliceUpdate", "nonzero", "softmax", "logSoftmax"],
  ...["softmaxAdjoint", "rmsNorm", "rmsNormAdjoint", "rotary"],
] as const;

type Call = (...args: unknown[]) => unknown;

export class Memories {
  /** One backend per memory, the one that the program knows first. */
  readonly banks: EagerBackend[];
  private readonly most: number;
  private readonly make: () => EagerBackend;

  constructor(first: EagerBackend, most: number, make: () => EagerBackend) {
    this.banks = [first];
    this.most = most;
    this.make = make;
  }

  /** Takes a second memory where the only one has no room for so many bytes; from then on every call finds its memory. */
  spreadFor(byteLength: number): boolean {
    const [first] = this.banks as [EagerBackend];
    if (this.most === 1 || byteLength < leastBytes || this.banks.length > 1) return false;
    if (!first.engine.arena.crowded(byteLength)) return false;
    this.banks.push(this.make());
    const own = Object.getPrototypeOf(first) as Record<string, Call>;
    const calls = (bank: EagerBackend, name: string, args: unknown[]): unknown =>
      bank === first ? own[name]!.apply(first, args) : (bank as unknown as Record<string, Call>)[name]!(...args);
    for (const name of Object.keys(made))
      this.redirect(name, (...args) => calls(this.roomy(made[name]!(...args)), name, args));
    for (const name of primitives)
      this.redirect(name, (...args) => this.together(args, (bank, all) => calls(bank, name, all)));
    return true;
  }

  /** The backend in whose memory a handle's data is. */
  of({ cell }: Handle): EagerBackend {
    const { banks } = this;
    return banks.find(({ engine }) => engine.arena === cell?.home) ?? banks[0]!;
  }

  /** An operand in the memory of `bank`: itself, or a copy. */
  brought(x: NDArray, bank: EagerBackend): NDArray {
    const handle = x.storage as Handle;
    if (this.banks.length === 1 || handle.cell === null || handle.cell.home === bank.engine.arena) return x;
    const from = this.of(handle).engine.arena;
    const to = bank.engine.arena;
    const storage = to.allocate(handle.byteLength);
    from.begin();
    const address = from.resident(handle);
    const bytes = from.views.uint8.subarray(address, address + handle.byteLength);
    to.views.uint8.set(bytes, to.resident(storage));
    return { ...x, storage };
  }

  stats(): MemoryStats {
    const each = this.banks.map(({ engine }) => engine.arena.stats());
    const sum = (key: "live" | "peakLive" | "arena" | "spills") => each.reduce((total, stats) => total + stats[key], 0);
    return { live: sum("live"), peakLive: sum("peakLive"), arena: sum("arena"), spills: sum("spills") };
  }

  private redirect(name: string, value: Call): void {
    Object.defineProperty(this.banks[0], name, { value, configurable: true });
  }

  /** A memory with room for so many bytes: one of those that are there, a new one, or the last, which spills. */
  private roomy(byteLength: number): EagerBackend {
    const found = this.banks.find(({ engine }) => !engine.arena.crowded(byteLength));
    if (found !== undefined) return found;
    if (byteLength >= leastBytes && this.banks.length < this.most) this.banks.push(this.make());
    return this.banks.at(-1)!;
  }

  /** Runs with all operands in the memory of the largest. */
  private together(args: readonly unknown[], run: (bank: EagerBackend, args: unknown[]) => unknown): unknown {
    let largest: Handle | undefined;
    for (const x of args.flat().filter(isArray)) {
      const handle = x.storage as Handle;
      if (handle.cell !== null && handle.byteLength > (largest?.byteLength ?? -1)) largest = handle;
    }
    const bank = largest === undefined ? this.banks[0]! : this.of(largest);
    const copies: NDArray[] = [];
    // Each operand is used as it is brought, so that bringing the next does not move it.
    bank.engine.begin();
    const here = (arg: unknown): unknown => {
      if (Array.isArray(arg)) return arg.map(here);
      if (!isArray(arg)) return arg;
      const x = this.brought(arg, bank);
      if (x !== arg) copies.push(x);
      return x;
    };
    try {
      const result = run(bank, args.map(here));
      const results = resultsIn(result);
      for (const copy of copies)
        if (results.every(({ storage }) => storage !== copy.storage)) bank.engine.arena.release(copy.storage as Handle);
      return result;
    } catch (error) {
      for (const copy of copies) bank.engine.arena.release(copy.storage as Handle);
      throw error;
    }
  }
}

/** The arrays in what a primitive answers with: one, several by name, or elements read out. */
function resultsIn(result: unknown): readonly NDArray[] {
  if (isArray(result)) return [result];
  if (typeof result !== "object" || result === null || ArrayBuffer.isView(result)) return [];
  return Object.values(result).filter(isArray);
}

function isArray(x: unknown): x is NDArray {
  return typeof x === "object" && x !== null && "storage" in x && "strides" in x;
}
