/** Ending a run that no longer improves. */

export interface EarlyStoppingOptions {
  /** Which result of the validation decides; default "loss". */
  readonly monitor?: string;
  /** How many validations without improvement are borne; the next one ends the run. */
  readonly patience: number;
  /** The least change that counts as improvement; default 0. */
  readonly minDelta?: number;
  /** Whether lower or higher is better; default "min" for losses and perplexities, else "max". */
  readonly mode?: "min" | "max";
}

/** Where early stopping stands; part of a checkpoint. */
export interface Patience {
  /** `null` before the first validation. */
  readonly best: number | null;
  readonly waited: number;
}

/** The patience after one more validation, and whether it has run out. */
export function judge(
  { monitor = "loss", patience, minDelta = 0, mode }: EarlyStoppingOptions,
  before: Patience,
  results: Readonly<Record<string, number>>,
): { patience: Patience; over: boolean } {
  const value = results[monitor];
  const lowerIsBetter = (mode ?? (/loss|perplexity|error/i.test(monitor) ? "min" : "max")) === "min";
  const gain =
    before.best === null ? Number.POSITIVE_INFINITY : lowerIsBetter ? before.best - value! : value! - before.best;
  if (value !== undefined && gain > minDelta) return { patience: { best: value, waited: 0 }, over: false };
  const waited = before.waited + 1;
  return { patience: { best: before.best, waited }, over: waited > patience };
}
