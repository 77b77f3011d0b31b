/** Learning from a teacher's distributions instead of labels. */
import type { NoDerivative } from "@pullback/autodiff";
import { type RandomKey, rand, type Tensor } from "@pullback/core";
import type { DivergenceOptions } from "./probability.ts";
import { type LossOptions, reduce } from "./reduction.ts";

export interface DistillationOptions extends DivergenceOptions {
  /** Divides both logits; default 1. */
  readonly temperature?: NoDerivative<number>;
}

/**
 * `temperature² · KL(softmax(teacher / temperature) ‖ softmax(student / temperature))` over `axis`. Hinton, Vinyals and
 * Dean 2015, section 2.
 *
 * @differentiable
 */
export function distillationLoss(student: Tensor, teacher: Tensor, options: DistillationOptions = {}): Tensor {
  const temperature = options.temperature ?? 1;
  const axis = options.axis ?? -1;
  const logStudent = student.div(temperature).logSoftmax(axis);
  const divergence = divergenceFrom(teacher.div(temperature).logSoftmax(axis), logStudent, axis);
  return reduce(divergence.mul(temperature * temperature), options.reduction);
}

/** `Σ p (log p - log q)` over `axis`. */
function divergenceFrom(logP: Tensor, logQ: Tensor, axis: NoDerivative<number>): Tensor {
  return logP.exp().mul(logP.sub(logQ)).sum(axis);
}

/** Some of a teacher's logits: `indices` (int32, the classes) and `logits`, both `[…, samples]`. */
export interface TeacherSample {
  readonly indices: NoDerivative<Tensor>;
  readonly logits: Tensor;
}

/**
 * Draws `count` different classes per position of `[…, classes]`, each as likely as the teacher holds it, with their
 * logits: all that has to be kept of a teacher's run. Gemma 3 takes 256 (report, section 2.2). By the Gumbel-top-k trick,
 * Kool, van Hoof and Welling 2019.
 */
export function sampleTeacher(
  teacher: Tensor,
  count: number,
  options: { readonly key?: RandomKey } = {},
): TeacherSample {
  const uniform = rand(teacher.shape, options.key === undefined ? {} : { key: options.key });
  const noise = uniform.clip(1e-30).log().neg().log().neg();
  const { indices } = teacher.add(noise).topK(count, -1);
  return { indices, logits: teacher.takeAlongAxis(indices, -1) };
}

export interface SampledDistillationOptions extends LossOptions {
  /** Divides both logits; default 1. */
  readonly temperature?: NoDerivative<number>;
}

/**
 * `distillationLoss` where only some of the teacher's logits are known: outside the sample the teacher's probability
 * counts as zero, inside it is renormalised; the student's distribution is over all classes, on its last axis. Gemma Team
 * 2025, section 2.2. With every class in the sample it is `distillationLoss`.
 *
 * @differentiable
 */
export function sampledDistillationLoss(
  student: Tensor,
  teacher: TeacherSample,
  options: SampledDistillationOptions = {},
): Tensor {
  const temperature = options.temperature ?? 1;
  const logStudent = student.div(temperature).logSoftmax(-1).takeAlongAxis(teacher.indices, -1);
  const divergence = divergenceFrom(teacher.logits.div(temperature).logSoftmax(-1), logStudent, -1);
  return reduce(divergence.mul(temperature * temperature), options.reduction);
}
