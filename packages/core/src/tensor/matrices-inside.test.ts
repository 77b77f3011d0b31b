/** Jacobians and Hessians of tensor functions inside of differentiated code: against central differences in float64. */
import { expect, test } from "@jest/globals";
import { derivative, gradient, hessian, jacobian } from "@pullback/autodiff";
import { type Tensor, tensor } from "../index.ts";

const float64 = { dtype: "float64" } as const;
const base = [
  [0.3, -0.7],
  [1.1, 0.4],
];
const weights = tensor(
  [
    [
      [
        [1, 2],
        [3, 4],
      ],
      [
        [-1, 0.5],
        [2, 1],
      ],
    ],
    [
      [
        [0.1, 0.2],
        [0.3, -2],
      ],
      [
        [1, 1],
        [0.5, -0.5],
      ],
    ],
  ],
  float64,
);

const twist = (x: Tensor): Tensor => x.mul(x).matmul(x.sin());
const energy = (x: Tensor): Tensor => x.mul(x).mul(x).sum().mul(x.cos().sum());

const ofJacobians = (x: Tensor): number =>
  jacobian(twist)(x)
    .mul(jacobian((t: Tensor) => t.mul(t).mul(x))(x))
    .mul(weights)
    .sum()
    .item();
const ofHessian = (x: Tensor): number => hessian(energy)(x).mul(weights).sum().item();
const ofNumber = (x: Tensor): number =>
  jacobian((t: Tensor) => t.mul(t).sum().item() * 2)(x)
    .mul(x)
    .sum()
    .item();

const cases: [string, (x: Tensor) => number, (x: Tensor) => Tensor][] = [
  ["jacobian", ofJacobians, gradient(ofJacobians)],
  ["hessian", ofHessian, gradient(ofHessian)],
  ["jacobian of a number", ofNumber, gradient(ofNumber)],
];

test.each(cases)("the gradient of what is made of a %s", (_, f, slope) => {
  const found = slope(tensor(base, float64)).toArray() as number[][];
  for (const i of [0, 1]) {
    for (const j of [0, 1]) {
      const at = (d: number) =>
        f(
          tensor(
            base.map((row, r) => row.map((v, c) => v + (r === i && c === j ? d : 0))),
            float64,
          ),
        );
      expect(found[i]?.[j]).toBeCloseTo((at(1e-5) - at(-1e-5)) / 2e-5, 6);
    }
  }
});

const line = (t: number): number => {
  const x = tensor(base, float64).add(tensor(base, float64).cos().mul(t));
  return hessian(energy)(x).mul(weights).sum().item() + jacobian(twist)(x).mul(weights).sum().item();
};
const turned = (t: number): number => {
  const x = tensor(base, float64).add(tensor(base, float64).cos().mul(t));
  return jacobian(twist)(x).mul(weights).sum().item();
};

test("forward mode, and second order", () => {
  const central = (f: (t: number) => number) => (f(0.2 + 1e-5) - f(0.2 - 1e-5)) / 2e-5;
  expect(derivative(line)(0.2)).toBeCloseTo(central(line), 6);
  expect(gradient(line)(0.2)).toBeCloseTo(central(line), 6);
  expect(gradient(gradient(turned))(0.2)).toBeCloseTo(central(gradient(turned)), 6);
  expect(derivative(gradient(turned))(0.2)).toBeCloseTo(central(gradient(turned)), 6);
});
