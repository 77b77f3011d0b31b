/**
 * Calls of an engine's kernels. They go to the kernels themselves, past the tape and the scopes of tfjs: what an
 * operation makes on its way is given back at its end, what it returns is handed to the ledger.
 */
import { BackendError } from "../../errors.ts";
import type { Attributes, DataId, Engine, Info, KernelConfig, Tfjs, TfjsDType } from "./types.ts";

/** Scalars kept: learning rates change with each step, so the oldest make room. */
const scalarsKept = 256;

export class Kernels {
  readonly engine: Engine;
  /** Whether they run on a graphics processor: see graphics.ts. */
  readonly isGraphics: boolean = false;
  private readonly tfjs: Tfjs;
  readonly engineName: string;
  private readonly device: string;
  private readonly configs = new Map<string, KernelConfig | undefined>();
  private readonly scalars = new Map<string, Info>();
  private readonly numbers = new WeakMap<DataId, number>();
  /** What the running composition has made. */
  private made: Info[] | null = null;

  constructor(tfjs: Tfjs, engine: Engine, engineName: string, device: string) {
    this.tfjs = tfjs;
    this.engine = engine;
    this.engineName = engineName;
    this.device = device;
  }

  has(kernel: string): boolean {
    return this.config(kernel) !== undefined;
  }

  /** Runs a kernel with one result. @throws BackendError when the engine has no such kernel */
  run(kernel: string, inputs: Record<string, Info> | readonly Info[], attrs: Attributes = {}): Info {
    const result = this.runAll(kernel, inputs, attrs);
    return result[0];
  }

  runAll(kernel: string, inputs: Record<string, Info> | readonly Info[], attrs: Attributes = {}): Info[] {
    const config = this.config(kernel);
    if (config === undefined) throw new BackendError(`${this.device} has no kernel ${kernel}.`);
    const result = config.kernelFunc({ inputs, backend: this.engine, attrs });
    const results = Array.isArray(result) ? result : [result];
    for (const info of results) this.record(info);
    return results;
  }

  /** Has the end of the composition that runs give `info` back. */
  protected record(info: Info): Info {
    this.made?.push(info);
    return info;
  }

  /** Host data in the engine. Engines may keep the array, so it must not be changed afterwards. */
  write(data: ArrayBufferView, shape: readonly number[], dtype: TfjsDType): Info {
    const info = { dataId: this.engine.write(data, shape, dtype), shape, dtype };
    this.made?.push(info);
    return info;
  }

  /** A scalar of rank 0, kept for the next one who asks. */
  scalar(value: number, dtype: TfjsDType): Info {
    const key = `${Object.is(value, -0) ? "-0" : value} ${dtype}`;
    const known = this.scalars.get(key);
    if (known !== undefined) return known;
    if (this.scalars.size >= scalarsKept) {
      const [oldest, info] = this.scalars.entries().next().value!;
      this.scalars.delete(oldest);
      // The running operation may still hold it.
      if (this.made === null) this.engine.disposeData(info.dataId);
      else this.made.push(info);
    }
    const data =
      dtype === "float32" ? Float32Array.of(value) : dtype === "int32" ? Int32Array.of(value) : Uint8Array.of(+!!value);
    const info = { dataId: this.engine.write(data, [], dtype), shape: [], dtype };
    this.scalars.set(key, info);
    this.numbers.set(info.dataId, data[0]);
    return info;
  }

  /** The number that data holds which `scalar` made. */
  numberOf(x: Info): number | undefined {
    return this.numbers.get(x.dataId);
  }

  /** Runs a composition and gives back what it made, except the data of its results, of which it returns a reference each. */
  compose<T extends Info | readonly Info[]>(body: () => T): T {
    const outer = this.made;
    const own: Info[] = [];
    this.made = own;
    let result: T;
    try {
      result = body();
    } catch (error) {
      for (const info of own) this.engine.disposeData(info.dataId);
      throw error;
    } finally {
      this.made = outer;
    }
    const results = Array.isArray(result) ? (result as readonly Info[]) : [result as Info];
    const wanted = new Map<DataId, number>();
    for (const { dataId } of results) wanted.set(dataId, (wanted.get(dataId) ?? 0) + 1);
    for (const { dataId } of own) {
      const open = wanted.get(dataId) ?? 0;
      if (open > 0) wanted.set(dataId, open - 1);
      else this.engine.disposeData(dataId);
    }
    // A result that is an operand's own data gets a reference of its own.
    for (const [dataId, open] of wanted) for (let i = 0; i < open; i++) this.engine.incRef(dataId);
    if (outer !== null) outer.push(...results);
    return result;
  }

  /** Drops what is kept for speed. */
  forget(): void {
    for (const info of this.scalars.values()) this.engine.disposeData(info.dataId);
    this.scalars.clear();
  }

  private config(kernel: string): KernelConfig | undefined {
    if (!this.configs.has(kernel)) this.configs.set(kernel, this.tfjs.getKernel(kernel, this.engineName));
    return this.configs.get(kernel);
  }
}

/** Dense data seen with another shape of the same size. */
export function reshaped(x: Info, shape: readonly number[]): Info {
  return { dataId: x.dataId, shape, dtype: x.dtype };
}
