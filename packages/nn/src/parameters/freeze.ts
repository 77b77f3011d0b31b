/** Parameters that optimizers leave alone. */
import { Tensor } from "@pullback/core";
import { ParameterError } from "../errors.ts";
import { parameterPlaces } from "./named.ts";

/** The frozen fields of an object, element positions of an array, or keys of a Map. */
const frozen = new WeakMap<object, Set<string>>();

/**
 * Takes parameters out of training: `freeze(model.encoder)`, or by path, `freeze(model, (path) => path.endsWith("bias"))`.
 * Their gradients are still computed and may be looked at; optimizers do not move them, neither along a gradient nor by
 * weight decay. `unfreeze` takes it back. A tied parameter is frozen at all its paths.
 *
 * @returns the number of parameters frozen
 * @throws ParameterError PB7404 when nothing matches, or for a bare tensor, which is a value and has no place
 */
export function freeze(model: unknown, match: (path: string) => boolean = () => true): number {
  let count = 0;
  for (const { path, container, key } of parameterPlaces(model)) {
    if (!match(path)) continue;
    const keys = frozen.get(container) ?? new Set();
    frozen.set(container, keys.add(key));
    count++;
  }
  if (count > 0) return count;
  const bare = model instanceof Tensor || typeof model === "number";
  throw new ParameterError(bare ? "freeze was given a bare value" : "freeze found no parameter that matches", {
    code: "PB7404",
    hint: bare
      ? 'Give the object that holds it: freeze(model, (path) => path === "bias").'
      : "See namedParameters(model).",
  });
}

/** Lets optimizers move the parameters again. */
export function unfreeze(model: unknown, match: (path: string) => boolean = () => true): void {
  for (const { path, container, key } of parameterPlaces(model)) if (match(path)) frozen.get(container)?.delete(key);
}

/** Whether the parameter at this place is frozen. */
export function isFrozen(container: object, key: string): boolean {
  return frozen.get(container)?.has(key) === true;
}
