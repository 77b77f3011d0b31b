/** Schedules along cosines, and warm-up before any schedule. */
import type { Schedule } from "./schedule.ts";

/** Half a cosine from `from` at 0 to `to` at 1. */
const anneal = (from: number, to: number, fraction: number): number =>
  to + (from - to) * 0.5 * (1 + Math.cos(Math.PI * fraction));

/**
 * From `base` at step 0 down to `minimum` at step `steps` along half a cosine; it is periodic, as PyTorch's
 * `CosineAnnealingLR` is, so after `steps` it rises again. Loshchilov and Hutter 2017 (SGDR), equation 5.
 */
export function cosineDecay({ base, steps, minimum = 0 }: { base: number; steps: number; minimum?: number }): Schedule {
  return (step) => anneal(base, minimum, step / steps);
}

/**
 * Half cosines from `base` to `minimum`, each starting anew at `base`, with periods `period`, `period * multiplier`,
 * `period * multiplier ** 2`, … Loshchilov and Hutter 2017 (SGDR).
 */
export function cosineRestarts(options: {
  base: number;
  period: number;
  multiplier?: number;
  minimum?: number;
}): Schedule {
  const { base, period, multiplier = 1, minimum = 0 } = options;
  return (step) => {
    let length = period;
    let start = 0;
    while (step >= start + length) {
      start += length;
      length *= multiplier;
    }
    return anneal(base, minimum, (step - start) / length);
  };
}

/**
 * One rise and one fall: from `maximum / initialDivisor` up to `maximum` over the first `warmupFraction` of `steps`,
 * then down to `maximum / (initialDivisor * finalDivisor)` at the last step and there after. Smith and Topin 2018.
 */
export function oneCycle(options: {
  maximum: number;
  steps: number;
  warmupFraction?: number;
  initialDivisor?: number;
  finalDivisor?: number;
}): Schedule {
  const { maximum, steps, warmupFraction = 0.3, initialDivisor = 25, finalDivisor = 1e4 } = options;
  const first = maximum / initialDivisor;
  const peak = warmupFraction * steps - 1;
  const last = steps - 1;
  return (step) => {
    if (step < peak) return anneal(first, maximum, step / peak);
    const fall = last > peak ? (step - peak) / (last - peak) : step > peak ? 1 : 0;
    return anneal(maximum, first / finalDivisor, Math.min(1, fall));
  };
}

/**
 * `base` times a factor that goes linearly from `startFactor` to 1 over `warmupSteps`, then the schedule `then` from
 * its step 0. `base` is by default the rate with which `then` starts; the default `startFactor` makes the first step
 * as long as each rise.
 */
export function warmupThen(options: {
  then: Schedule;
  warmupSteps: number;
  startFactor?: number;
  base?: number;
}): Schedule {
  const { then, warmupSteps, startFactor = 1 / Math.max(1, warmupSteps), base = then(0) } = options;
  return (step) => {
    if (step >= warmupSteps) return then(step - warmupSteps);
    return base * (startFactor + (1 - startFactor) * (step / warmupSteps));
  };
}
