/** One layer after another. */
import type { Layer } from "./layer.ts";

type InputOf<L extends readonly unknown[]> = L extends readonly [Layer<infer In, any>, ...unknown[]] ? In : any;
type OutputOf<L extends readonly unknown[]> = L extends readonly [...unknown[], Layer<any, infer Out>] ? Out : any;

/**
 * Feeds each layer's output to the next. The type keeps every layer's own type, so `grad.layers[0].weight` type-checks:
 * `new Sequential(new Linear(4, 8), new Linear(8, 2))`. Layers that stand in an array already are given as that array.
 */
export class Sequential<const L extends readonly Layer<any, any>[]> implements Layer<InputOf<L>, OutputOf<L>> {
  readonly layers: L;

  constructor(layers: L);
  constructor(...layers: L);
  constructor(...layers: L | [L]) {
    const [first] = layers;
    this.layers = (Array.isArray(first) ? first : layers) as L;
  }

  /** @differentiable */
  forward(input: InputOf<L>): OutputOf<L> {
    let value: any = input;
    for (const layer of this.layers) value = layer.forward(value);
    return value;
  }
}
