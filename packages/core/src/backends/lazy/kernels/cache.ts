/** Compiled kernels, by what they compute: programs of every shape share them. */

import type { SharedModule } from "../../eager/wasm/index.ts";
import { kernelModule } from "./module.ts";
import { type KernelSpec, parameterLayout } from "./spec.ts";

/** Its functions are `run` and `finish`: see `kernelModule`. */
export type Kernel = SharedModule;

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
      kernel = kernelModule(spec).share(this.memory());
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

/** Shares of a kernel at most, each with parameters of its own. */
export const mostParts = 16;

export function parameterBytes(spec: KernelSpec): number {
  return parameterLayout(spec).words * 4;
}
