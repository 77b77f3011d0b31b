/** The derivative of every layer, with respect to parameters and input, against PyTorch's, through the compiler. */
import { expect, test } from "@jest/globals";
import { pullback } from "@pullback/autodiff";
import type { Tensor } from "@pullback/core";
import { at, expectClose, goldenLayer, onBackends, put } from "../../testdata/golden.ts";
import { stateDict } from "../parameters/index.ts";
import * as layers from "./index.ts";

/** By what `forward` takes. Each gives the tangents of the layer and of its arguments. */
const pullbacks: Record<string, (...args: any[]) => (cotangent: any) => any[]> = {
  plain: pullback((layer: layers.Layer<Tensor, Tensor>, input: Tensor) => layer.forward(input)),
  attention: pullback((layer: layers.MultiHeadAttention, query: Tensor, key: Tensor) => layer.forward(query, key)),
  attention3: pullback((layer: layers.MultiHeadAttention, query: Tensor, key: Tensor, value: Tensor) =>
    layer.forward(query, key, value),
  ),
  LSTM: pullback((layer: layers.LSTM, input: Tensor) => layer.forward(input)),
  LSTM2: pullback((layer: layers.LSTM, input: Tensor, state: layers.LSTMState) => layer.forward(input, state)),
  LSTMCell2: pullback((layer: layers.LSTMCell, input: Tensor, state: layers.LSTMState) => layer.forward(input, state)),
  GRU: pullback((layer: layers.GRU, input: Tensor) => layer.forward(input)),
  GRU2: pullback((layer: layers.GRU, input: Tensor, state: layers.HiddenState) => layer.forward(input, state)),
  GRUCell2: pullback((layer: layers.GRUCell, input: Tensor, state: layers.HiddenState) => layer.forward(input, state)),
  SimpleRNN: pullback((layer: layers.SimpleRNN, input: Tensor) => layer.forward(input)),
  SimpleRNN2: pullback((layer: layers.SimpleRNN, input: Tensor, state: layers.HiddenState) =>
    layer.forward(input, state),
  ),
  SimpleRNNCell2: pullback((layer: layers.SimpleRNNCell, input: Tensor, state: layers.HiddenState) =>
    layer.forward(input, state),
  ),
  Bidirectional: pullback((layer: layers.Bidirectional, input: Tensor) => layer.forward(input)),
};

await onBackends("layers", (golden) => {
  const cases = golden.cases.filter((c) => c.layer in layers && c.wrt !== undefined);

  test.each(cases.map((c) => [c.id, c] as const))("%s", (_, c) => {
    const layer = goldenLayer(golden, layers, c);
    const count = c.forward.length;
    const attention = count === 3 ? "attention3" : "attention";
    const form = c.layer === "MultiHeadAttention" && count > 1 ? attention : `${c.layer}${count > 1 ? count : ""}`;
    const cotangent = c.outputs.reduce(
      (whole: any, { path }: any, j: number) => put(whole, path, golden.tensors.get(c.cotangents[j])),
      {},
    );
    const args = golden.resolve(c.forward);
    const [ofLayer, ...ofArgs] = (pullbacks[form] ?? pullbacks.plain!)(layer, ...args)(cotangent);
    const byName = stateDict(ofLayer);
    for (const [i, name] of c.wrt.entries()) {
      const parameter = Object.keys(c.parameters).find((key) => c.parameters[key].$ === name);
      const actual = parameter === undefined ? argument(c.forward, ofArgs, name) : byName.get(parameter)!;
      expectClose(actual, golden.tensors.get(c.gradients[i])!, c.tolerance.gradient);
    }
    expect(c.wrt.length).toBe(c.gradients.length);
  });
});

/** The tangent of the argument that is, or holds, the tensor of that name. */
function argument(forward: any[], tangents: any[], name: string): Tensor {
  for (const [i, arg] of forward.entries()) {
    if (arg.$ === name) return tangents[i];
    for (const [field, value] of Object.entries<any>(arg)) if (value.$ === name) return at(tangents[i], field);
  }
  throw new Error(`no argument ${name}`);
}
