/** Cross-entropy of logits, with a derivative of its own: softmax minus the target distribution. */
import { type Int, type NoDerivative, registerDerivative } from "@pullback/autodiff";
import { IndexError, ShapeError, type Tensor, tensor, where } from "@pullback/core";
import { type LossOptions, type Reduction, reduce } from "./reduction.ts";

export interface LabelOptions extends LossOptions {
  /** The class axis of the logits; default -1. PyTorch has it at 1. */
  readonly axis?: NoDerivative<number>;
  /** Labels of this value contribute nothing; default -100. */
  readonly ignoreIndex?: NoDerivative<number>;
  /** One factor per class, `[classes]`. */
  readonly weight?: NoDerivative<Tensor>;
}

export interface CrossEntropyOptions extends LabelOptions {
  /** Share of each target that is spread evenly over the classes; default 0. Szegedy et al. 2016, section 7. */
  readonly labelSmoothing?: NoDerivative<number>;
}

/**
 * `-Σ q log softmax(logits)` over `axis`, for logits `[…, classes]`.
 *
 * Targets are either labels (integers, the logits' shape without `axis`) or distributions q (floating, the logits'
 * shape). The mean over labels is over those not ignored, weighted by `weight`, and NaN when all are ignored; over
 * distributions it is over all positions. The gradient reaches logits and distributions, not `weight`.
 *
 * @throws ShapeError when targets have neither shape; IndexError for a label outside the classes
 */
export function crossEntropy(logits: Tensor, targets: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const form = readOptions(logits, targets, options);
  const loss = isLabels(targets)
    ? withinClasses("crossEntropy", form, targets, () => labelLoss(form, targets))
    : distributionLoss(form, targets);
  return loss.cast(logits.dtype);
}

/** Logits with the class axis last (16-bit ones in float32), and the options with their defaults. */
interface Form {
  readonly logits: Tensor;
  readonly axis: Int;
  readonly classes: Int;
  readonly ignoreIndex: Int;
  readonly smoothing: NoDerivative<number>;
  readonly weight: NoDerivative<Tensor> | undefined;
  readonly reduction: Reduction;
}

function readOptions(logits: Tensor, targets: Tensor, options: CrossEntropyOptions): Form {
  const axis = options.axis ?? -1;
  const last = axis < 0 ? axis + logits.rank : axis;
  const expected = isLabels(targets) ? logits.shape.filter((_, i) => i !== last) : logits.shape;
  if (targets.rank !== expected.length || targets.shape.some((extent, i) => extent !== expected[i])) {
    const kind = isLabels(targets) ? "labels" : "distributions";
    throw new ShapeError(
      `crossEntropy: ${kind} of shape [${targets.shape}] do not fit logits of shape [${logits.shape}] with the classes on axis ${axis}`,
      { hint: `Give ${kind} of shape [${expected}].` },
    );
  }
  return {
    logits: widened(logits).moveAxis(axis, -1),
    axis,
    classes: logits.shape[last],
    ignoreIndex: options.ignoreIndex ?? -100,
    smoothing: options.labelSmoothing ?? 0,
    weight: options.weight,
    reduction: options.reduction ?? "mean",
  };
}

/** float16 and bfloat16 compute in float32 and are rounded once, at the end. */
const widened = (x: Tensor): Tensor => (x.dtype === "float16" || x.dtype === "bfloat16" ? x.cast("float32") : x);

const isLabels = (targets: Tensor): boolean => !targets.dtype.includes("float");

/** Labels as indices, which of them count, and with which factor. A negative label is no index from the end. */
function readLabels({ logits, classes, ignoreIndex, weight }: Form, targets: Tensor) {
  const counted = targets.notEqual(ignoreIndex);
  const indices = where(counted, where(targets.less(0), classes, targets), 0).cast("int32");
  const factor =
    weight === undefined ? counted.cast(logits.dtype) : where(counted, weight.gather(indices), 0).cast(logits.dtype);
  return { counted, indices: indices.expandDims(-1), factor };
}

/** Where an index of `work` is outside its axis, names the label. */
function withinClasses(operation: string, { classes, ignoreIndex }: Form, targets: Tensor, work: () => Tensor): Tensor {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof IndexError)) throw error;
    const labels = targets.dataSync();
    const at = labels.findIndex((label) => label !== ignoreIndex && !(label >= 0 && label < classes));
    if (at < 0) throw error;
    throw new IndexError(`${operation}: label ${labels[at]} at position ${at} is not one of ${classes} classes.`, {
      hint: `Labels run from 0 to ${classes - 1}; ${ignoreIndex} is ignored.`,
      cause: error,
    });
  }
}

function labelLoss(form: Form, targets: Tensor): Tensor {
  const { logits, smoothing, classes, weight, reduction } = form;
  const { counted, indices, factor } = readLabels(form, targets);
  const logProbabilities = logits.logSoftmax(-1);
  const ofLabel = logProbabilities.takeAlongAxis(indices, -1).squeeze(-1);
  let loss = where(counted, ofLabel.mul(factor).mul(smoothing - 1), 0);
  if (smoothing > 0) {
    const weighted = weight === undefined ? logProbabilities : logProbabilities.mul(weight);
    loss = where(counted, loss.sub(weighted.sum(-1).mul(smoothing / classes)), 0);
  }
  return reduction === "mean" ? loss.sum().div(factor.sum()) : reduce(loss, reduction);
}

function distributionLoss(form: Form, targets: Tensor): Tensor {
  const logProbabilities = form.logits.logSoftmax(-1);
  return reduce(logProbabilities.mul(smoothed(form, targets)).sum(-1).neg(), form.reduction);
}

/** The distributions, class axis last, smoothed and weighted. */
function smoothed({ axis, classes, smoothing, weight }: Form, targets: Tensor): Tensor {
  const moved = widened(targets).moveAxis(axis, -1);
  const spread = smoothing > 0 ? moved.mul(1 - smoothing).add(smoothing / classes) : moved;
  return weight === undefined ? spread : spread.mul(weight);
}

/** The cotangent of the loss as one factor per position (the class axis kept with extent 1). */
function perPosition(
  cotangent: Tensor,
  reduction: Reduction,
  shape: readonly number[],
  count: Tensor | number,
): Tensor {
  const each = reduction === "mean" ? cotangent.div(count) : cotangent;
  return each.broadcastTo(shape.slice(0, -1)).expandDims(-1);
}

/** With respect to the logits, for labels: `softmax - onehot` (smoothed, weighted) times the factor of each position. */
function labelGradient(form: Form, targets: Tensor, cotangent: Tensor): Tensor {
  const { logits, smoothing, classes, weight, reduction, axis } = form;
  const { counted, indices, factor } = readLabels(form, targets);
  const scale = perPosition(cotangent, reduction, logits.shape, factor.sum());
  // Where a label is ignored the scale is 0 even if every label is (0 / 0 otherwise).
  const active = where(counted.expandDims(-1), scale, 0);
  const onLabel = active.mul(factor.expandDims(-1)).mul(1 - smoothing);
  const spread = active.mul(smoothing / classes);
  const total = onLabel.add(weight === undefined ? active.mul(smoothing) : spread.mul(weight.sum()));
  let gradient = logits.softmax(-1).mul(total);
  if (smoothing > 0) gradient = gradient.sub(weight === undefined ? spread : spread.mul(weight));
  return gradient.scatterAdd(indices, onLabel.neg(), -1).moveAxis(-1, axis);
}

/** With respect to the logits, for distributions: `softmax * Σ q - q`, which is `softmax - q` when q sums to 1. */
function distributionGradient(form: Form, targets: Tensor, cotangent: Tensor): Tensor {
  const { logits, classes, reduction, axis } = form;
  const scale = perPosition(cotangent, reduction, logits.shape, logits.size / classes);
  const q = smoothed(form, targets);
  return logits.softmax(-1).mul(q.sum(-1, true)).sub(q).mul(scale).moveAxis(-1, axis);
}

/** With respect to distributions. */
function targetGradient({ logits, classes, smoothing, weight, reduction, axis }: Form, cotangent: Tensor): Tensor {
  const scale = perPosition(cotangent, reduction, logits.shape, logits.size / classes).mul(smoothing - 1);
  const gradient = logits.logSoftmax(-1).mul(scale);
  return (weight === undefined ? gradient : gradient.mul(weight)).moveAxis(-1, axis);
}

registerDerivative(crossEntropy, {
  wrt: [0, 1],
  vjp: (logits: Tensor, targets: Tensor, options: CrossEntropyOptions = {}) => ({
    value: crossEntropy(logits, targets, options),
    pullback: (cotangent: Tensor, needs?: readonly boolean[]) => {
      const form = readOptions(logits, targets, options);
      const labels = isLabels(targets);
      const gradientOf = labels ? labelGradient : distributionGradient;
      const ofLogits = needs?.[0] === false ? undefined : gradientOf(form, targets, cotangent).cast(logits.dtype);
      const ofTargets =
        labels || needs?.[1] === false ? undefined : targetGradient(form, cotangent).cast(targets.dtype);
      return [ofLogits, ofTargets];
    },
  }),
  jvp: (logits: Tensor, targets: Tensor, options: CrossEntropyOptions = {}) => ({
    value: crossEntropy(logits, targets, options),
    differential: (ofLogits: Tensor | undefined, ofTargets: Tensor | undefined) => {
      const form = readOptions(logits, targets, options);
      const labels = isLabels(targets);
      // The loss of a position depends on that position alone: its slopes are the gradient for a cotangent of ones.
      const one = tensor(1, { dtype: form.logits.dtype, device: logits.device });
      const ones = form.reduction === "none" ? one.broadcastTo(form.logits.shape.slice(0, -1)) : one;
      const slope = labels ? labelGradient(form, targets, ones) : distributionGradient(form, targets, ones);
      const over = form.reduction === "none" ? form.axis : undefined;
      const byLogits = ofLogits === undefined ? undefined : slope.mul(ofLogits).sum(over);
      const byTargets =
        labels || ofTargets === undefined ? undefined : targetGradient(form, ones).mul(ofTargets).sum(over);
      const sum = byLogits === undefined || byTargets === undefined ? (byLogits ?? byTargets) : byLogits.add(byTargets);
      return sum?.cast(logits.dtype);
    },
  }),
});

/**
 * `-Σ log p(label)` for log-probabilities `[…, classes]` and integer labels; reductions, ignored labels and weights as
 * `crossEntropy`.
 *
 * @throws IndexError for a label outside the classes
 * @differentiable
 */
export function negativeLogLikelihood(logProbabilities: Tensor, targets: Tensor, options: LabelOptions = {}): Tensor {
  const form = readOptions(logProbabilities, targets, options);
  const { counted, indices, factor } = readLabels(form, targets);
  const ofLabel = form.logits.takeAlongAxis(indices, -1).squeeze(-1);
  const each = where(counted, ofLabel.mul(factor).neg(), 0);
  const loss = form.reduction === "mean" ? each.sum().div(factor.sum()) : reduce(each, form.reduction);
  return loss.cast(logProbabilities.dtype);
}
