/**
 * Where the engine's time goes: processor time (of all threads) in every primitive of the eager backend, and in every
 * fused kernel, without what it calls itself.
 */
import { EagerBackend } from "../../packages/core/src/backends/eager/index.ts";
import { KernelCache } from "../../packages/core/src/backends/lazy/kernels/index.ts";

interface Entry {
  calls: number;
  milliseconds: number;
}

const entries = new Map<string, Entry>();
/** Time of calls inside the running one. */
let inner = 0;

/** In milliseconds; unlike the clock it does not run on while other processes have the processor. */
export function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e3;
}

function timed<T>(name: string, work: () => T): T {
  const outer = inner;
  inner = 0;
  const start = processorTime();
  try {
    return work();
  } finally {
    const whole = processorTime() - start;
    const entry = entries.get(name) ?? { calls: 0, milliseconds: 0 };
    entry.calls++;
    entry.milliseconds += whole - inner;
    entries.set(name, entry);
    inner = outer + whole;
  }
}

const shapeOf = (x: unknown): string => {
  const shape = (x as { shape?: readonly number[] } | undefined)?.shape;
  return shape === undefined ? "" : ` [${shape.join(",")}]`;
};

/** Starts to measure; `byShape` tells calls of different shapes apart. */
export function startProfile(byShape: boolean): void {
  const prototype = EagerBackend.prototype as unknown as Record<string, unknown>;
  for (const name of Object.getOwnPropertyNames(prototype)) {
    const method = prototype[name];
    if (name === "constructor" || name === "release" || typeof method !== "function") continue;
    prototype[name] = function (this: unknown, ...values: unknown[]) {
      const kind = typeof values[0] === "string" ? `${name} ${values[0]}` : name;
      const shapes = byShape ? values.slice(0, 3).map(shapeOf).join("") : "";
      return timed(kind + shapes, () => (method as (...all: unknown[]) => unknown).apply(this, values));
    };
  }
  const kernel = KernelCache.prototype.kernel;
  KernelCache.prototype.kernel = function (spec) {
    const own = kernel.call(this, spec);
    const steps = spec.steps.map((step) => ("op" in step ? step.op : step.kind)).filter((op) => op !== "input");
    const name = `fused ${steps.slice(0, 8).join(" ")}${steps.length > 8 ? ` … ${steps.length}` : ""}`;
    const run = (...all: number[]) => timed(name, () => own.functions.run!(...all));
    return { ...own, functions: { ...own.functions, run } };
  };
}

export function clearProfile(): void {
  entries.clear();
}

/** The largest shares of `total` milliseconds, in `rounds` rounds. */
export function profile(total: number, rounds: number, rows = 14): string {
  const sorted = [...entries].sort((a, b) => b[1].milliseconds - a[1].milliseconds);
  const inside = sorted.reduce((sum, [, { milliseconds }]) => sum + milliseconds, 0);
  const line = (name: string, milliseconds: number, calls: number) =>
    `    ${(milliseconds / rounds).toFixed(2).padStart(8)} ms ${((100 * milliseconds) / total).toFixed(1).padStart(5)} %  ` +
    `${(calls / rounds).toFixed(0).padStart(4)} × ${name}`;
  return [
    ...sorted.slice(0, rows).map(([name, { milliseconds, calls }]) => line(name, milliseconds, calls)),
    line("outside of kernels", total - inside, rounds),
  ].join("\n");
}
