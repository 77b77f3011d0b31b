/** Watching a model's layers while it runs. */
import { isLeaf } from "@pullback/autodiff";
import { Tensor } from "@pullback/core";
import { isContainer, joinPath, slotsOf } from "./slots.ts";

/** Anything with a `forward`, and where it stands. */
export interface PlacedLayer {
  readonly layer: { forward(...args: any[]): unknown };
  readonly path: string;
  /** How many layers it is inside of. */
  readonly depth: number;
}

/** The layers of a model, itself first where it is one, in field order; each at the first path that leads to it. */
export function* layersOf(model: unknown, path = "", depth = 0, seen = new Set<object>()): Generator<PlacedLayer> {
  if (!isContainer(model) || seen.has(model)) return;
  seen.add(model);
  const isLayer = typeof (model as { forward?: unknown }).forward === "function";
  if (isLayer) yield { layer: model as PlacedLayer["layer"], path, depth };
  for (const slot of slotsOf(model)) {
    if (!isLeaf(slot.value)) yield* layersOf(slot.value, joinPath(path, slot.key), depth + (isLayer ? 1 : 0), seen);
  }
}

/** `call` stands between a layer and its callers until the function that comes back is called. */
export function intercept(
  layer: PlacedLayer["layer"],
  call: (args: readonly unknown[], forward: () => unknown) => unknown,
): () => void {
  const own = Object.getOwnPropertyDescriptor(layer, "forward");
  const { forward } = layer;
  Object.defineProperty(layer, "forward", {
    configurable: true,
    value(this: PlacedLayer["layer"], ...args: unknown[]) {
      return call(args, () => forward.apply(this, args));
    },
  });
  return () => {
    if (own === undefined) delete (layer as Partial<PlacedLayer["layer"]>).forward;
    else Object.defineProperty(layer, "forward", own);
  };
}

/** The shapes in a value, for people: `[32, 10]`, `{ output [32, 7, 8] }`. */
export function shapesOf(value: unknown): string {
  if (value instanceof Tensor) return `[${value.shape.join(", ")}]`;
  if (typeof value !== "object" || value === null) return typeof value;
  const parts = Object.entries(value).map(([key, inner]) => `${key} ${shapesOf(inner)}`);
  return `{ ${parts.join(", ")} }`;
}
