/** Activations as layers, for `Sequential`; in a `forward` of one's own the tensor's method says the same. */
import type { DifferentiableFunction, Int, NoDerivative } from "@pullback/autodiff";
import { full, type Tensor, where } from "@pullback/core";
import type { Layer } from "./layer.ts";

/** `max(x, 0)`. */
export class ReLU implements Layer<Tensor, Tensor> {
  /** @differentiable */
  forward(input: Tensor): Tensor {
    return input.relu();
  }
}

/** `min(max(x, 0), 6)`. */
export class ReLU6 implements Layer<Tensor, Tensor> {
  /** @differentiable */
  forward(input: Tensor): Tensor {
    return input.relu6();
  }
}

/** Klambauer et al. 2017. */
export class SELU implements Layer<Tensor, Tensor> {
  /** @differentiable */
  forward(input: Tensor): Tensor {
    return input.selu();
  }
}

/** `x · sigmoid(x)`. */
export class SiLU implements Layer<Tensor, Tensor> {
  /** @differentiable */
  forward(input: Tensor): Tensor {
    return input.silu();
  }
}

/** `x · tanh(softplus(x))`. */
export class Mish implements Layer<Tensor, Tensor> {
  /** @differentiable */
  forward(input: Tensor): Tensor {
    return input.mish();
  }
}

/** `1 / (1 + exp(-x))`. */
export class Sigmoid implements Layer<Tensor, Tensor> {
  /** @differentiable */
  forward(input: Tensor): Tensor {
    return input.sigmoid();
  }
}

/** `log(sigmoid(x))`. */
export class LogSigmoid implements Layer<Tensor, Tensor> {
  /** @differentiable */
  forward(input: Tensor): Tensor {
    return input.logSigmoid();
  }
}

/** `tanh(x)`. */
export class Tanh implements Layer<Tensor, Tensor> {
  /** @differentiable */
  forward(input: Tensor): Tensor {
    return input.tanh();
  }
}

/** `log(1 + exp(x))`. */
export class Softplus implements Layer<Tensor, Tensor> {
  /** @differentiable */
  forward(input: Tensor): Tensor {
    return input.softplus();
  }
}

/** `x / (1 + |x|)`. */
export class Softsign implements Layer<Tensor, Tensor> {
  /** @differentiable */
  forward(input: Tensor): Tensor {
    return input.softsign();
  }
}

/** x clipped to ±1. */
export class HardTanh implements Layer<Tensor, Tensor> {
  /** @differentiable */
  forward(input: Tensor): Tensor {
    return input.hardTanh();
  }
}

/** `relu6(x + 3) / 6`. */
export class HardSigmoid implements Layer<Tensor, Tensor> {
  /** @differentiable */
  forward(input: Tensor): Tensor {
    return input.hardSigmoid();
  }
}

/** `x · relu6(x + 3) / 6`. */
export class HardSwish implements Layer<Tensor, Tensor> {
  /** @differentiable */
  forward(input: Tensor): Tensor {
    return input.hardSwish();
  }
}

/** `x` above 0, `slope · x` below. */
export class LeakyReLU implements Layer<Tensor, Tensor> {
  readonly slope: NoDerivative<number>;

  constructor(slope = 0.01) {
    this.slope = slope;
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    return input.leakyRelu(this.slope);
  }
}

/** `x` above 0, `alpha · (exp(x) - 1)` below. Clevert, Unterthiner and Hochreiter 2016. */
export class ELU implements Layer<Tensor, Tensor> {
  readonly alpha: NoDerivative<number>;

  constructor(alpha = 1) {
    this.alpha = alpha;
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    return input.elu(this.alpha);
  }
}

/** `x` above 0, `alpha · (exp(x / alpha) - 1)` below. Barron 2017. */
export class CELU implements Layer<Tensor, Tensor> {
  readonly alpha: NoDerivative<number>;

  constructor(alpha = 1) {
    this.alpha = alpha;
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    return input.celu(this.alpha);
  }
}

/** `x · Φ(x)`, or its tanh form. Hendrycks and Gimpel 2016. */
export class GELU implements Layer<Tensor, Tensor> {
  readonly approximate: NoDerivative<"none" | "tanh">;

  constructor(approximate: "none" | "tanh" = "none") {
    this.approximate = approximate;
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    return input.gelu(this.approximate);
  }
}

/** `cap · tanh(x / cap)`. */
export class SoftCap implements Layer<Tensor, Tensor> {
  readonly cap: NoDerivative<number>;

  constructor(cap: number) {
    this.cap = cap;
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    return input.softCap(this.cap);
  }
}

/** Softmax over one axis, the last by default. */
export class Softmax implements Layer<Tensor, Tensor> {
  readonly axis: Int;

  constructor(axis = -1) {
    this.axis = axis;
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    return input.softmax(this.axis);
  }
}

/** The logarithm of softmax over one axis, the last by default. */
export class LogSoftmax implements Layer<Tensor, Tensor> {
  readonly axis: Int;

  constructor(axis = -1) {
    this.axis = axis;
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    return input.logSoftmax(this.axis);
  }
}

/** `x` above 0, `weight · x` below, with a learned slope per channel (or one for all). He et al. 2015, equation 1. */
export class PReLU implements Layer<Tensor, Tensor> {
  weight: Tensor;
  readonly axis: Int;

  constructor(channels = 1, { axis = 1, initial = 0.25 }: { readonly axis?: number; readonly initial?: number } = {}) {
    this.weight = full([channels], initial);
    this.axis = axis;
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    const axis = this.axis < 0 ? this.axis + input.rank : this.axis;
    const alone = this.weight.size === 1;
    const slope = alone ? this.weight : this.weight.reshape(input.shape.map((n, i) => (i === axis ? n : 1)));
    return where(input.greater(0), input, input.mul(slope));
  }
}

/** Any differentiable function as a layer: `new Lambda((x: Tensor) => x.mul(2))`. What it captures is trained too. */
export class Lambda<In, Out> implements Layer<In, Out> {
  readonly f: DifferentiableFunction<(input: In) => Out>;

  constructor(f: DifferentiableFunction<(input: In) => Out>) {
    this.f = f;
  }

  /** @differentiable */
  forward(input: In): Out {
    return this.f(input);
  }
}
