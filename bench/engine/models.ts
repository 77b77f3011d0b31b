/** The four models whose training steps are measured, with their batches; peers/ has the same for others. */
import { valueWithGradient } from "@pullback/autodiff";
import { randn, type Tensor, tensor } from "@pullback/core";
import {
  Adam,
  BatchNorm,
  Conv2d,
  crossEntropy,
  Embedding,
  type Layer,
  LayerNorm,
  LearnedPositions,
  Linear,
  MaxPool2d,
  MultiHeadAttention,
  SGD,
} from "@pullback/nn";

export class Mlp implements Layer<Tensor, Tensor> {
  constructor(
    readonly first = new Linear(784, 512),
    readonly second = new Linear(512, 512),
    readonly out = new Linear(512, 10),
  ) {}
  forward(x: Tensor): Tensor {
    return this.out.forward(this.second.forward(this.first.forward(x).relu()).relu());
  }
}

/** LeCun et al. 1998 with rectifiers and maxima. */
export class LeNet implements Layer<Tensor, Tensor> {
  constructor(
    readonly conv1 = new Conv2d(1, 6, 5, { padding: 2 }),
    readonly conv2 = new Conv2d(6, 16, 5),
    readonly pool = new MaxPool2d(2),
    readonly full1 = new Linear(400, 120),
    readonly full2 = new Linear(120, 84),
    readonly out = new Linear(84, 10),
  ) {}
  forward(x: Tensor): Tensor {
    const low = this.pool.forward(this.conv1.forward(x).relu());
    const high = this.pool.forward(this.conv2.forward(low).relu());
    return this.out.forward(this.full2.forward(this.full1.forward(high.flatten(1)).relu()).relu());
  }
}

class Residual implements Layer<Tensor, Tensor> {
  readonly conv1: Conv2d;
  readonly norm1: BatchNorm;
  readonly conv2: Conv2d;
  readonly norm2: BatchNorm;
  readonly shortcut?: Conv2d;

  constructor(inputs: number, outputs: number, stride: number) {
    this.conv1 = new Conv2d(inputs, outputs, 3, { padding: 1, stride, bias: false });
    this.norm1 = new BatchNorm(outputs);
    this.conv2 = new Conv2d(outputs, outputs, 3, { padding: 1, bias: false });
    this.norm2 = new BatchNorm(outputs);
    if (stride > 1) this.shortcut = new Conv2d(inputs, outputs, 1, { stride, bias: false });
  }

  forward(x: Tensor): Tensor {
    const inner = this.norm1.forward(this.conv1.forward(x)).relu();
    const outer = this.norm2.forward(this.conv2.forward(inner));
    return outer.add(this.shortcut === undefined ? x : this.shortcut.forward(x)).relu();
  }
}

/** He et al. 2016, section 4.2, n = 3, with projections where the extents change. */
class ResNet20 implements Layer<Tensor, Tensor> {
  readonly conv = new Conv2d(3, 16, 3, { padding: 1, bias: false });
  readonly norm = new BatchNorm(16);
  readonly blocks = [16, 32, 64].flatMap((width, stage) =>
    [0, 1, 2].map((i) => new Residual(i === 0 && stage > 0 ? width / 2 : width, width, i === 0 && stage > 0 ? 2 : 1)),
  );
  readonly out = new Linear(64, 10);

  forward(x: Tensor): Tensor {
    let y = this.norm.forward(this.conv.forward(x)).relu();
    for (const block of this.blocks) y = block.forward(y);
    return this.out.forward(y.mean([2, 3]));
  }
}

class DecoderBlock implements Layer<Tensor, Tensor> {
  readonly norm1 = new LayerNorm(256);
  readonly attention = new MultiHeadAttention(256, 8, { causal: true });
  readonly norm2 = new LayerNorm(256);
  readonly up = new Linear(256, 1024);
  readonly down = new Linear(1024, 256);

  forward(x: Tensor): Tensor {
    const attended = x.add(this.attention.forward(this.norm1.forward(x)));
    return attended.add(this.down.forward(this.up.forward(this.norm2.forward(attended)).gelu("tanh")));
  }
}

/** A decoder, pre-normalised: width 256, 4 layers of 8 heads, 1024 tokens, 128 positions. */
export class Decoder implements Layer<Tensor, Tensor> {
  readonly embed = new Embedding(1024, 256);
  readonly positions = new LearnedPositions(128, 256);
  readonly blocks = [0, 1, 2, 3].map(() => new DecoderBlock());
  readonly norm = new LayerNorm(256);
  readonly out = new Linear(256, 1024);

  forward(tokens: Tensor): Tensor {
    let x = this.positions.forward(this.embed.forward(tokens));
    for (const block of this.blocks) x = block.forward(x);
    return this.out.forward(this.norm.forward(x));
  }
}

/** A training step, and what it needs; the loss is read at its end. */
export type Step = () => number;

export const labelsOf = (shape: readonly number[], classes: number): Tensor =>
  tensor(
    Int32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (i * 7919) % classes),
    { shape: [...shape] },
  );

function mlp(): Step {
  const model = new Mlp();
  const optimizer = new SGD(model, { learningRate: 0.01 });
  const [x, y] = [randn([128, 784]), labelsOf([128], 10)];
  const gradientOf = valueWithGradient(
    (m: Mlp, input: Tensor, labels: Tensor) => crossEntropy(m.forward(input), labels),
    {
      wrt: 0,
    },
  );
  return () => {
    const { value, gradient } = gradientOf(model, x, y);
    optimizer.update(model, gradient);
    return value.item();
  };
}

function lenet(): Step {
  const model = new LeNet();
  const optimizer = new SGD(model, { learningRate: 0.01 });
  const [x, y] = [randn([128, 1, 28, 28]), labelsOf([128], 10)];
  const gradientOf = valueWithGradient(
    (m: LeNet, input: Tensor, labels: Tensor) => crossEntropy(m.forward(input), labels),
    { wrt: 0 },
  );
  return () => {
    const { value, gradient } = gradientOf(model, x, y);
    optimizer.update(model, gradient);
    return value.item();
  };
}

function resnet(): Step {
  const model = new ResNet20();
  const optimizer = new SGD(model, { learningRate: 0.01, momentum: 0.9 });
  const [x, y] = [randn([64, 3, 32, 32]), labelsOf([64], 10)];
  const gradientOf = valueWithGradient(
    (m: ResNet20, input: Tensor, labels: Tensor) => crossEntropy(m.forward(input), labels),
    { wrt: 0 },
  );
  return () => {
    const { value, gradient } = gradientOf(model, x, y);
    optimizer.update(model, gradient);
    return value.item();
  };
}

function decoder(): Step {
  const model = new Decoder();
  const optimizer = new Adam(model, { learningRate: 3e-4 });
  const [x, y] = [labelsOf([8, 128], 1024), labelsOf([8, 128], 1021)];
  const gradientOf = valueWithGradient(
    (m: Decoder, tokens: Tensor, labels: Tensor) => crossEntropy(m.forward(tokens), labels),
    { wrt: 0 },
  );
  return () => {
    const { value, gradient } = gradientOf(model, x, y);
    optimizer.update(model, gradient);
    return value.item();
  };
}

/** By name: makes a model where new tensors go, and its step. */
export const models: Readonly<Record<string, () => Step>> = { mlp, lenet, resnet, decoder };
