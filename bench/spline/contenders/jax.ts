/** jax-js: a whole step traced once, compiled to WebAssembly, and called again and again. */
import { defaultDevice, grad, init, jit, numpy as np } from "@jax-js/jax";
import type { FineTune, Problem } from "../problem.ts";

/** One step from `[controls, velocity]` to the next; jax-js arrays are used up, `ref` keeps one for another use. */
function makeStep({ xs, ys, controls, stiffness, learningRate, momentum }: Problem) {
  const count = controls.length;
  const loss = (c: np.Array): np.Array => {
    const position = np.array([...xs]).mul(count - 3);
    const k = np.minimum(np.floor(position.ref), count - 4);
    const u = position.sub(k.ref);
    const v = np.subtract(1, u.ref);
    const index = k.astype(np.int32);
    const cube = (w: np.Array) => w.ref.mul(w.ref).mul(w);
    const inner = (w: np.Array) => cube(w.ref).mul(3).sub(w.ref.mul(w).mul(6)).add(4);
    const value = cube(v.ref)
      .mul(np.take(c.ref, index.ref))
      .add(inner(u.ref).mul(np.take(c.ref, index.ref.add(1))))
      .add(inner(v).mul(np.take(c.ref, index.ref.add(2))))
      .add(cube(u).mul(np.take(c.ref, index.add(3))));
    const difference = value.div(6).sub(np.array([...ys]));
    const second = c.ref
      .slice([0, count - 2])
      .sub(c.ref.slice([1, count - 1]).mul(2))
      .add(c.slice([2, count]));
    return np.mean(np.square(difference)).add(np.sum(np.square(second)).mul(stiffness));
  };
  const gradient = grad(loss);
  return jit(([c, velocity]: [np.Array, np.Array]): [np.Array, np.Array] => {
    const next = velocity.mul(momentum).add(gradient(c.ref));
    return [c.sub(next.ref.mul(learningRate)), next];
  });
}

let compiled: ReturnType<typeof makeStep> | undefined;

export const fineTune: FineTune = async (problem, steps) => {
  await init("wasm");
  defaultDevice("wasm");
  compiled ??= makeStep(problem);
  const step = compiled;
  let state: [np.Array, np.Array] = [np.array([...problem.controls]), np.zeros([problem.controls.length])];
  for (let i = 0; i < steps; i++) state = step(state);
  const [c, velocity] = state;
  velocity.dispose();
  return Array.from(await c.data());
};
