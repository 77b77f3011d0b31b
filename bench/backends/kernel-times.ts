/** Where the time of a step goes among the kernels of a TensorFlow.js engine. */
import { performance } from "node:perf_hooks";
import * as tf from "@tensorflow/tfjs-core";

/** A table of kernels, their calls and milliseconds per step, and what is left outside of them. */
export function profiled(engine: string, step: () => unknown, steps: number): string {
  const spent = new Map<string, { calls: number; time: number }>();
  const configs = tf.getKernelsForBackend(engine);
  const before = configs.map(({ kernelFunc }) => kernelFunc);
  let depth = 0;
  for (const config of configs) {
    const { kernelName, kernelFunc } = config;
    config.kernelFunc = (call) => {
      // Kernels call each other: the outermost counts.
      if (depth > 0) return kernelFunc(call);
      depth++;
      const start = performance.now();
      try {
        return kernelFunc(call);
      } finally {
        depth--;
        const own = spent.get(kernelName) ?? { calls: 0, time: 0 };
        spent.set(kernelName, { calls: own.calls + 1, time: own.time + performance.now() - start });
      }
    };
  }
  const start = performance.now();
  try {
    for (let i = 0; i < steps; i++) step();
  } finally {
    configs.forEach((config, i) => {
      config.kernelFunc = before[i]!;
    });
  }
  const total = performance.now() - start;
  const inside = [...spent.values()].reduce((sum, { time }) => sum + time, 0);
  const lines = [...spent]
    .sort(([, a], [, b]) => b.time - a.time)
    .slice(0, 24)
    .map(([kernel, { calls, time }]) => `  ${kernel}: ${(time / steps).toFixed(2)} ms, ${calls / steps} calls`);
  const outside = `  outside of kernels: ${((total - inside) / steps).toFixed(2)} ms`;
  return [`  step: ${(total / steps).toFixed(2)} ms`, ...lines, outside].join("\n");
}
