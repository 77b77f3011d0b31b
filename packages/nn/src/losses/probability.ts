/** Losses between distributions. */
import type { NoDerivative } from "@pullback/autodiff";
import { type Tensor, where } from "@pullback/core";
import { type LossOptions, reduce } from "./reduction.ts";

export interface SigmoidCrossEntropyOptions extends LossOptions {
  /** Factor of the positive class, broadcast to the targets; default 1. */
  readonly positiveWeight?: NoDerivative<Tensor | number>;
}

/**
 * `-(w t log sigmoid(x) + (1 - t) log(1 - sigmoid(x)))` for logits x and targets t in [0, 1], without overflow.
 *
 * @differentiable
 */
export function sigmoidCrossEntropy(logits: Tensor, targets: Tensor, options: SigmoidCrossEntropyOptions = {}): Tensor {
  const positive = logits.neg().softplus();
  const negative = logits.softplus();
  const weight = options.positiveWeight;
  const weighted = weight === undefined ? targets : targets.mul(weight);
  return reduce(weighted.mul(positive).add(targets.neg().add(1).mul(negative)), options.reduction);
}

/** A probability below this counts as this, so that the loss stays finite (at most 85.2 per element). */
const smallest = 1e-37;

/**
 * `-(t log p + (1 - t) log(1 - p))` for probabilities p and targets t in [0, 1]. To train, prefer `sigmoidCrossEntropy`,
 * whose gradient does not vanish where p is 0 or 1.
 *
 * @differentiable
 */
export function binaryCrossEntropy(probabilities: Tensor, targets: Tensor, options: LossOptions = {}): Tensor {
  const positive = probabilities.clip(smallest).log();
  const negative = probabilities.neg().add(1).clip(smallest).log();
  return reduce(targets.mul(positive).add(targets.neg().add(1).mul(negative)).neg(), options.reduction);
}

export interface DivergenceOptions extends LossOptions {
  /** The axis of the distributions; default -1. */
  readonly axis?: NoDerivative<number>;
}

/**
 * `Σ t log(t / p)` over `axis` for probabilities p and t, with `0 log 0 = 0`.
 *
 * @differentiable
 */
export function kullbackLeiblerDivergence(
  predictions: Tensor,
  targets: Tensor,
  options: DivergenceOptions = {},
): Tensor {
  const positive = where(targets.equal(0), 1, targets);
  return reduce(targets.mul(positive.log().sub(predictions.log())).sum(options.axis ?? -1), options.reduction);
}

export interface DpoOptions extends LossOptions {
  /** How strongly the policy is held to the reference; default 0.1. */
  readonly beta?: NoDerivative<number>;
  /** Probability that a preference is the wrong way round; default 0. */
  readonly labelSmoothing?: NoDerivative<number>;
}

/**
 * Direct preference optimisation on the log-probabilities of chosen and rejected answers, one per pair:
 * `-log sigmoid(beta ((policyChosen - policyRejected) - (referenceChosen - referenceRejected)))`. Rafailov et al. 2023,
 * equation 7; label smoothing as Mitchell 2023 (conservative DPO).
 *
 * @differentiable
 */
export function dpoLoss(
  policyChosen: Tensor,
  policyRejected: Tensor,
  referenceChosen: Tensor,
  referenceRejected: Tensor,
  options: DpoOptions = {},
): Tensor {
  const smoothing = options.labelSmoothing ?? 0;
  const policy = policyChosen.sub(policyRejected);
  const reference = referenceChosen.sub(referenceRejected);
  const preference = policy.sub(reference).mul(options.beta ?? 0.1);
  const right = preference.logSigmoid().mul(smoothing - 1);
  return reduce(right.sub(preference.neg().logSigmoid().mul(smoothing)), options.reduction);
}
