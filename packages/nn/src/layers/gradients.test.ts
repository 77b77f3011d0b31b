/** The derivative of every layer, with respect to parameters and input, against PyTorch's, through the compiler. */
import { expect, test } from "@jest/globals";
import { pullback } from "@pullback/autodiff";
import type { Tensor } from "@pullback/core";
import { expectClose, readGolden } from "../../testdata/golden.ts";
import { loadStateDict, stateDict } from "../parameters/index.ts";
import * as layers from "./index.ts";

const golden = await readGolden("layers");
const cases = golden.cases.filter((c) => c.layer in layers && c.wrt !== undefined);

const forwardPullback = pullback((layer: layers.Layer<Tensor, Tensor>, input: Tensor) => layer.forward(input));

test.each(cases.map((c) => [c.id, c] as const))("%s", (_, c) => {
  const layer = new (layers as Record<string, any>)[c.layer](...c.options);
  loadStateDict(layer, new Map(Object.entries(golden.resolve(c.parameters)) as [string, Tensor][]));
  const [input] = golden.resolve(c.forward);
  const found = forwardPullback(layer, input)(golden.tensors.get(c.cotangents[0])!);
  const [ofLayer, ofInput]: any = found;
  const byName = stateDict(ofLayer);
  for (const [i, name] of c.wrt.entries()) {
    const path = Object.keys(c.parameters).find((key) => c.parameters[key].$ === name);
    const actual = path === undefined ? ofInput : byName.get(path)!;
    expectClose(actual, golden.tensors.get(c.gradients[i])!, c.tolerance.gradient);
  }
  expect(c.wrt.length).toBe(c.gradients.length);
});
