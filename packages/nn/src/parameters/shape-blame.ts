/** Which two layers do not fit together. */
import { ShapeError, Tensor } from "@pullback/core";
import { intercept, layersOf, type PlacedLayer, shapesOf } from "./layer-calls.ts";

const nameOf = ({ layer, path }: PlacedLayer) =>
  path === "" ? `the model (${layer.constructor.name})` : `"${path}" (${layer.constructor.name})`;

/** What was seen of a run up to its failure. */
class Trace {
  readonly #makers = new Map<Tensor, PlacedLayer>();
  /** The last layer without layers inside that came to its end, and what it gave. */
  #last: { readonly placed: PlacedLayer; readonly output: unknown } | undefined;
  #ended = 0;
  description: string | undefined;

  call(placed: PlacedLayer, args: readonly unknown[], forward: () => unknown): unknown {
    const before = this.#ended;
    let output: unknown;
    try {
      output = forward();
    } catch (error) {
      // The innermost layer is the first to see it.
      this.description ??= this.#describe(placed, args);
      throw error;
    }
    if (this.#ended === before) this.#last = { placed, output };
    this.#ended++;
    const parts = output instanceof Tensor ? [output] : Object.values((output ?? {}) as object);
    for (const part of parts) if (part instanceof Tensor && !this.#makers.has(part)) this.#makers.set(part, placed);
    return output;
  }

  #describe(placed: PlacedLayer, args: readonly unknown[]): string {
    const tensors = args.filter((arg) => arg instanceof Tensor);
    const given = `${nameOf(placed)}, given ${(tensors.length > 0 ? tensors : args).map(shapesOf).join(" and ")}`;
    const maker = tensors.map((x) => this.#makers.get(x)).find((found) => found !== undefined);
    if (maker !== undefined) return `${given} by ${nameOf(maker)}`;
    if (this.#last === undefined) return given;
    return `${given}, after ${nameOf(this.#last.placed)} gave ${shapesOf(this.#last.output)}`;
  }
}

/**
 * Writes into a ShapeError which layer was given what, and by which other. It is thrown again by `run`, what failed, with
 * an eye on every layer of the model; an error that does not come again, and one of another kind, stays as it is.
 *
 * @returns the error
 */
export function blameLayers(error: unknown, model: unknown, run: () => unknown): unknown {
  if (!(error instanceof ShapeError)) return error;
  const trace = new Trace();
  const restore = [...layersOf(model)].map((placed) =>
    intercept(placed.layer, (args, forward) => trace.call(placed, args, forward)),
  );
  try {
    run();
  } catch {
    const code = `${error.code}: `;
    const what = error.message.startsWith(code) ? error.message.slice(code.length) : error.message;
    if (trace.description !== undefined) error.message = `${code}${trace.description}: ${what}`;
  } finally {
    for (const undo of restore) undo();
  }
  return error;
}
