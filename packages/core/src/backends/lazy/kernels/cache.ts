/** Compiled kernels, by what they compute: programs of every shape share them. */

import { kernelModule } from "./module.ts";
import { type KernelSpec, parameterLayout } from "./spec.ts";

export interface Kernel {
  /** Runs with the parameters at an address. */
  readonly run: (parameters: number) => void;
  /** Rounds sums gathered in double precision to float32: (sums, to, bytes of the result). */
  readonly finish: (sums: number, to: number, bytes: number) => void;
}

export class KernelCache {
  private readonly memory: () => WebAssembly.Memory;
  private readonly kernels = new Map<string, Kernel>();

  constructor(memory: () => WebAssembly.Memory) {
    this.memory = memory;
  }

  kernel(spec: KernelSpec): Kernel {
    const key = JSON.stringify(spec);
    let kernel = this.kernels.get(key);
    if (kernel === undefined) {
      kernel = kernelModule(spec).instantiate(this.memory()) as unknown as Kernel;
      this.kernels.set(key, kernel);
    }
    return kernel;
  }

  clear(): void {
    this.kernels.clear();
  }
}

/** Room for the parameters of the largest kernel, in bytes. */
export const mostParameterBytes = 8192;

export function parameterBytes(spec: KernelSpec): number {
  return parameterLayout(spec).words * 4;
}
