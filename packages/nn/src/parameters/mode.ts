/** Training or evaluation: a field of the layers that care, set on a whole model at once. */
import { isContainer, slotsOf } from "./slots.ts";

/**
 * Sets the field `training` of every layer that has one: `Dropout` and its like then train or evaluate. Returns a
 * function that puts every layer back as it was.
 */
export function setMode(model: unknown, mode: "train" | "eval"): () => void {
  const before = new Map<{ training: boolean }, boolean>();
  visit(model, new Set(), (container) => {
    const layer = container as { training?: unknown };
    if (typeof layer.training === "boolean") before.set(layer as { training: boolean }, layer.training);
  });
  for (const layer of before.keys()) layer.training = mode === "train";
  return () => {
    for (const [layer, training] of before) layer.training = training;
  };
}

function visit(value: unknown, seen: Set<object>, f: (container: object) => void): void {
  if (!isContainer(value) || seen.has(value)) return;
  seen.add(value);
  f(value);
  for (const slot of slotsOf(value)) visit(slot.value, seen, f);
}
