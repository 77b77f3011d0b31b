/**
 * Where the engine's time goes: processor time (of all threads) and wall time in every primitive of the eager backend, and in every
 * fused kernel, without what it calls itself.
 */
import { performance } from "node:perf_hooks";
import { EagerBackend } from "../../packages/core/src/backends/eager/index.ts";
import { KernelCache } from "../../packages/core/src/backends/lazy/kernels/index.ts";

interface Entry {
  calls: number;
  /** Processor time, of all threads. */
  processor: number;
  wall: number;
}

const entries = new Map<string, Entry>();
/** Time of calls inside the running one. */
let inner = { processor: 0, wall: 0 };

/** In milliseconds; unlike the clock it does not run on while other processes have the processor. */
export function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e3;
}

function timed<T>(name: string, work: () => T): T {
  const outer = inner;
  inner = { processor: 0, wall: 0 };
  const used = processorTime();
  const start = performance.now();
  try {
    return work();
  } finally {
    const wall = performance.now() - start;
    const processor = processorTime() - used;
    const entry = entries.get(name) ?? { calls: 0, processor: 0, wall: 0 };
    entry.calls++;
    entry.processor += processor - inner.processor;
    entry.wall += wall - inner.wall;
    entries.set(name, entry);
    inner = { processor: outer.processor + processor, wall: outer.wall + wall };
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

/** Where `rounds` rounds spent their milliseconds: processor time of all threads, its share, and wall time. */
export function profile(total: { processor: number; wall: number }, rounds: number, rows = 14): string {
  const sorted = [...entries].sort((a, b) => b[1].processor - a[1].processor);
  const inside = { processor: 0, wall: 0 };
  for (const [, { processor, wall }] of sorted) {
    inside.processor += processor;
    inside.wall += wall;
  }
  const line = (name: string, { calls, processor, wall }: Entry) =>
    `    ${(processor / rounds).toFixed(2).padStart(8)} ms ${((100 * processor) / total.processor).toFixed(1).padStart(5)} %  ` +
    `wall ${(wall / rounds).toFixed(2).padStart(8)} ms  ${(calls / rounds).toFixed(0).padStart(4)} × ${name}`;
  const outside = { calls: rounds, processor: total.processor - inside.processor, wall: total.wall - inside.wall };
  return [...sorted.slice(0, rows).map(([name, entry]) => line(name, entry)), line("outside of kernels", outside)].join(
    "\n",
  );
}
