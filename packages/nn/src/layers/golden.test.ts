/** The layers against PyTorch, in value. */
import { expect, test } from "@jest/globals";
import type { Tensor } from "@pullback/core";
import { expectClose, readGolden } from "../../testdata/golden.ts";
import { namedParameters } from "../parameters/index.ts";
import * as layers from "./index.ts";

const golden = await readGolden("layers");
const cases = golden.cases.filter((c) => c.layer in layers);

test("the cases of these layers run", () => {
  expect(cases.map((c) => c.id.replace("layers/", "")).sort()).toEqual([
    "Embedding.1",
    "GeGLU.1",
    "LayerNorm.1",
    "LayerNorm.2",
    "Linear.1",
    "Linear.2",
    "Linear.3",
    "RMSNorm.1",
    "RMSNorm.2",
    "SwiGLU.1",
  ]);
});

test.each(cases.map((c) => [c.id, c] as const))("%s", (_, c) => {
  const layer = new (layers as Record<string, any>)[c.layer](...c.options);
  const given: Record<string, Tensor> = golden.resolve(c.parameters);
  const tensors = [...namedParameters(layer)].filter(([, value]) => typeof value !== "number").map(([path]) => path);
  expect(tensors).toEqual(Object.keys(given));
  for (const [path, value] of Object.entries(given)) {
    const fields = path.split(".");
    const holder = fields.slice(0, -1).reduce((object, field) => object[field], layer);
    const last = fields[fields.length - 1];
    expect(holder[last].shape).toEqual(value.shape);
    holder[last] = value;
  }
  expectClose(layer.forward(...golden.resolve(c.forward)), golden.tensors.get(c.outputs[0].ref)!, c.tolerance.value);
});
