/** The layers against PyTorch, in value. */
import { expect, test } from "@jest/globals";
import type { Tensor } from "@pullback/core";
import { at, expectClose, type GoldenCase, goldenLayer, onBackends } from "../../testdata/golden.ts";
import { namedParameters } from "../parameters/index.ts";
import * as layers from "./index.ts";

await onBackends("layers", (golden) => {
  test("every case runs", () => {
    expect(golden.cases.filter((c) => !(c.layer in layers))).toEqual([]);
  });

  test.each(golden.cases.map((c) => [c.id, c] as const))("%s", (_, c: GoldenCase) => {
    const layer = goldenLayer(golden, layers, c);
    const tensors = [...namedParameters(layer)].filter(([, value]) => typeof value !== "number").map(([path]) => path);
    expect(tensors).toEqual(Object.keys(c.parameters));
    const result = layer.forward(...golden.resolve(c.forward));
    for (const { path, ref } of c.outputs) expectClose(at(result, path), golden.tensors.get(ref)!, c.tolerance.value);
    for (const [field, value] of Object.entries<Tensor>(golden.resolve(c.after ?? {}))) {
      expectClose(layer[field], value, c.tolerance.value);
    }
  });
});
