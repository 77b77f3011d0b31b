/** How good predictions are, over all batches of a validation. Reading is asynchronous, so that every engine serves. */
import type { Tensor } from "@pullback/core";
import { DataError } from "../errors.ts";
import { crossEntropy } from "../losses/index.ts";

/** A number that predictions and targets decide together, batch by batch. */
export interface Metric {
  /** Forgets all batches. */
  reset(): void;
  /** Adds a batch. */
  add(predictions: Tensor, targets: Tensor): Promise<void>;
  /** Over all batches since `reset`; NaN before the first. */
  value(): number;
}

/** Share of labels whose logit is the largest. Logits `[…, classes]`, integer labels `[…]`; labels below 0 are left out. */
export class Accuracy implements Metric {
  #right = 0;
  #count = 0;

  reset(): void {
    this.#right = 0;
    this.#count = 0;
  }

  async add(logits: Tensor, labels: Tensor): Promise<void> {
    requireLabels(logits, labels);
    const [found, wanted] = await Promise.all([logits.argmax(-1).data(), labels.data()]);
    for (let i = 0; i < wanted.length; i++) {
      if (Number(wanted[i]) < 0) continue;
      this.#count++;
      if (found[i] === wanted[i]) this.#right++;
    }
  }

  value(): number {
    return this.#right / this.#count;
  }
}

/** Share of labels that are among the k largest logits. */
export class TopKAccuracy implements Metric {
  readonly #k: number;
  #right = 0;
  #count = 0;

  constructor(k: number) {
    this.#k = k;
  }

  reset(): void {
    this.#right = 0;
    this.#count = 0;
  }

  async add(logits: Tensor, labels: Tensor): Promise<void> {
    requireLabels(logits, labels);
    const [found, wanted] = await Promise.all([logits.topK(this.#k, -1).indices.data(), labels.data()]);
    for (let i = 0; i < wanted.length; i++) {
      if (Number(wanted[i]) < 0) continue;
      this.#count++;
      for (let j = 0; j < this.#k; j++) if (found[i * this.#k + j] === wanted[i]) this.#right++;
    }
  }

  value(): number {
    return this.#right / this.#count;
  }
}

/** `exp` of the mean cross-entropy per label that is not ignored (-100). */
export class Perplexity implements Metric {
  #total = 0;
  #count = 0;

  reset(): void {
    this.#total = 0;
    this.#count = 0;
  }

  async add(logits: Tensor, labels: Tensor): Promise<void> {
    const [total, wanted] = await Promise.all([
      crossEntropy(logits, labels, { reduction: "sum" }).data(),
      labels.data(),
    ]);
    this.#total += Number(total[0]);
    for (const label of wanted) if (Number(label) !== -100) this.#count++;
  }

  value(): number {
    return Math.exp(this.#total / this.#count);
  }
}

/** How predictions and labels of two classes fall together. Logits `[…, 2]`, or one logit per label. */
abstract class TwoClasses implements Metric {
  protected truePositives = 0;
  protected falsePositives = 0;
  protected trueNegatives = 0;
  protected falseNegatives = 0;

  reset(): void {
    this.truePositives = 0;
    this.falsePositives = 0;
    this.trueNegatives = 0;
    this.falseNegatives = 0;
  }

  async add(logits: Tensor, labels: Tensor): Promise<void> {
    const positive = logits.rank > labels.rank ? logits.argmax(-1) : logits.greater(0).cast("int32");
    if (positive.size !== labels.size) throw misfit(logits, labels);
    const [found, wanted] = await Promise.all([positive.data(), labels.data()]);
    for (let i = 0; i < wanted.length; i++) {
      if (Number(wanted[i]) > 0) {
        if (found[i] === 1) this.truePositives++;
        else this.falseNegatives++;
      } else if (found[i] === 1) this.falsePositives++;
      else this.trueNegatives++;
    }
  }

  abstract value(): number;
}

/** The harmonic mean of precision and recall of the second of two classes; 0 when nothing is found. */
export class F1 extends TwoClasses {
  override value(): number {
    const all = 2 * this.truePositives + this.falsePositives + this.falseNegatives;
    return all === 0 && this.trueNegatives > 0 ? 0 : (2 * this.truePositives) / all;
  }
}

/** The correlation of predictions and labels of two classes, -1 to 1; 0 where it is undefined. Matthews 1975. */
export class MatthewsCorrelation extends TwoClasses {
  override value(): number {
    const { truePositives: tp, falsePositives: fp, trueNegatives: tn, falseNegatives: fn } = this;
    const scale = Math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn));
    return scale === 0 ? 0 : (tp * tn - fp * fn) / scale;
  }
}

function requireLabels(logits: Tensor, labels: Tensor): void {
  if (logits.rank !== labels.rank + 1 || labels.shape.some((extent, i) => extent !== logits.shape[i])) {
    throw misfit(logits, labels);
  }
}

function misfit(logits: Tensor, labels: Tensor): DataError {
  return new DataError(`labels of shape [${labels.shape}] do not fit logits of shape [${logits.shape}]`, {
    code: "PB7203",
    hint: "Give logits [batch, classes] and integer labels [batch].",
  });
}
