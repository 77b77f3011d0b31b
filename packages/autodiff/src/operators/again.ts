/** What an operator returns is a function of the program too: where it is differentiated again, it carries its derivative. */
import { checkpointedStates, capture as remember, type Snapshot } from "../effects/index.ts";
import { type AnyFunction, type Derivative, derivative } from "../protocol/index.ts";
import type { Options } from "./sweep.ts";

/** Attaches to `made`, which `operator` made of a function carrying `carried`, the derivative compiled for it, if any. */
export function again<F extends AnyFunction>(made: F, operator: string, carried: Derivative, options?: Options): F {
  const found =
    carried.operators?.[options?.wrt === undefined ? operator : `${operator} ${JSON.stringify(options.wrt)}`];
  if (found !== undefined) Object.defineProperty(made, derivative, { value: found, configurable: true });
  return made;
}

/** What the given objects hold, and the random state: the second run of a function must see them as the first one did. */
export function capture(held: readonly unknown[]): Snapshot {
  return remember(held, checkpointedStates());
}

export function restore(state: Snapshot): void {
  state.restore();
}
