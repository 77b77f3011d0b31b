/** Where a training run stands. */

export interface TrainingPosition {
  /** Updates made. */
  readonly step: number;
  /** The epoch (from 0) of the next batch. */
  readonly epoch: number;
  /** Batches of that epoch already seen. */
  readonly batch: number;
  /** Where early stopping stands. */
  readonly patience?: { readonly best: number | null; readonly waited: number };
}
