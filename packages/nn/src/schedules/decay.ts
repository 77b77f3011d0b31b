/** Schedules that change the rate once or steadily. All follow PyTorch's `torch.optim.lr_scheduler`. */
import type { Schedule } from "./schedule.ts";

/** `base * factor` for the first `steps` steps, then `base`. With the defaults: `base` throughout. */
export function constant({ base, factor = 1, steps = 0 }: { base: number; factor?: number; steps?: number }): Schedule {
  return (step) => (step < steps ? base * factor : base);
}

/** `base` times a factor that goes from `startFactor` to `endFactor` over `steps` steps and stays there. */
export function linear(options: { base: number; steps: number; startFactor?: number; endFactor?: number }): Schedule {
  const { base, steps, startFactor = 1 / 3, endFactor = 1 } = options;
  return (step) => base * (startFactor + (endFactor - startFactor) * Math.min(1, step / steps));
}

/** `base * gamma ** floor(step / stepSize)`. */
export function stepDecay({
  base,
  stepSize,
  gamma = 0.1,
}: {
  base: number;
  stepSize: number;
  gamma?: number;
}): Schedule {
  return (step) => base * gamma ** Math.floor(step / stepSize);
}

/** Multiplies by `gamma` at every milestone. */
export function multiStepDecay(options: { base: number; milestones: readonly number[]; gamma?: number }): Schedule {
  const { base, milestones, gamma = 0.1 } = options;
  return (step) => base * gamma ** milestones.filter((milestone) => milestone <= step).length;
}

/** `base * gamma ** step`. */
export function exponentialDecay({ base, gamma }: { base: number; gamma: number }): Schedule {
  return (step) => base * gamma ** step;
}

/** `base * (1 - step / steps) ** power`, zero from `steps` on. */
export function polynomialDecay({ base, steps, power = 1 }: { base: number; steps: number; power?: number }): Schedule {
  return (step) => base * (1 - Math.min(step, steps) / steps) ** power;
}
