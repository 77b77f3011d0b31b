/** Second derivatives through tensors: a gradient penalty, products with the Hessian of a model's loss, third order. */
import { expect, test } from "@jest/globals";
import { differential, gradient, hessianVectorProduct } from "@pullback/autodiff";
import { type Tensor, tensor } from "../index.ts";

const step = 1e-5;

/** Numbers between -0.8 and 0.8 that follow no pattern which matters. */
function drawn(shape: readonly number[], seed: number): Tensor {
  const size = shape.reduce((n, extent) => n * extent, 1);
  return tensor(
    Float64Array.from({ length: size }, (_, i) => Math.sin(i * 12.9898 + seed) * 0.8),
    { shape, dtype: "float64" },
  );
}

function expectClose(got: Tensor, want: Tensor): void {
  const scale = 1 + want.abs().max().item();
  expect(got.sub(want).abs().max().item() / scale).toBeLessThan(1e-6);
}

class Mlp {
  constructor(
    readonly first: Tensor,
    readonly second: Tensor,
  ) {}
  forward(x: Tensor): Tensor {
    return x.matmul(this.first).tanh().matmul(this.second);
  }
  /** The model moved along a direction. */
  along(d: { first: Tensor; second: Tensor }, t: number): Mlp {
    return new Mlp(this.first.add(d.first.mul(t)), this.second.add(d.second.mul(t)));
  }
}

const model = new Mlp(drawn([3, 4], 1), drawn([4, 1], 2));
const direction = { first: drawn([3, 4], 5), second: drawn([4, 1], 6) };
const inputs = drawn([2, 3], 3);
const targets = drawn([2, 1], 4);

test("the product of a loss's Hessian with a tangent of the model", () => {
  const loss = (m: Mlp) => m.forward(inputs).sub(targets).square().mean();
  const product = hessianVectorProduct(loss)(model, direction);
  const [up, down] = [gradient(loss)(model.along(direction, step)), gradient(loss)(model.along(direction, -step))];
  expectClose(product.first, up.first.sub(down.first).div(2 * step));
  expectClose(product.second, up.second.sub(down.second).div(2 * step));
});

test("a gradient penalty: the loss contains the gradient of a critic (Gulrajani et al. 2017, equation 3)", () => {
  function penalty(m: Mlp, x: Tensor): Tensor {
    const critic = (y: Tensor) => m.forward(y).sum();
    return gradient(critic)(x).square().sum(-1).sqrt().sub(1).square().mean();
  }
  const [ofModel, ofInputs] = gradient(penalty)(model, inputs);
  const slope = ofModel.first.mul(direction.first).sum().add(ofModel.second.mul(direction.second).sum()).item();
  const along = (t: number) => penalty(model.along(direction, t), inputs).item();
  expect(slope).toBeCloseTo((along(step) - along(-step)) / (2 * step), 7);
  const d = drawn([2, 3], 8);
  const moved = (t: number) => penalty(model, inputs.add(d.mul(t))).item();
  expect(ofInputs.mul(d).sum().item()).toBeCloseTo((moved(step) - moved(-step)) / (2 * step), 7);
});

test("the gradient of a loss after one step along its gradient (Finn et al. 2017)", () => {
  function adapted(m: Mlp): Tensor {
    const loss = (w: Mlp) => w.forward(inputs).sub(targets).square().mean();
    const d = gradient(loss)(m);
    return loss(new Mlp(m.first.sub(d.first.mul(0.1)), m.second.sub(d.second.mul(0.1))));
  }
  const slope = gradient(adapted)(model);
  const got = slope.first.mul(direction.first).sum().add(slope.second.mul(direction.second).sum()).item();
  const along = (t: number) => adapted(model.along(direction, t)).item();
  expect(got).toBeCloseTo((along(step) - along(-step)) / (2 * step), 7);
});

test("by nesting, and to third order", () => {
  const f = (x: Tensor) => x.mul(x).mul(x).sin().sum();
  const v = drawn([3], 7);
  const x = drawn([3], 9);
  const sloped = (y: Tensor) => gradient(f)(y).mul(v).sum();
  expectClose(gradient(sloped)(x), hessianVectorProduct(f)(x, v));
  const third = differential(gradient(sloped))(x)(v);
  const [up, down] = [gradient(sloped)(x.add(v.mul(step))), gradient(sloped)(x.sub(v.mul(step)))];
  expectClose(third, up.sub(down).div(2 * step));
});
