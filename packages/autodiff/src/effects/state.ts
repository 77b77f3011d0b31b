/** State outside of the arguments that a second run must see as the first one did, such as a default random generator. */

export interface CheckpointedState<S = unknown> {
  save(): S;
  restore(state: S): void;
}

const stateKey = Symbol.for("pullback.checkpointedState");

/** Every piece of state that second runs protect; kept globally so that duplicate copies of this package agree. */
export function checkpointedStates(): Set<CheckpointedState> {
  const holder = globalThis as { [stateKey]?: Set<CheckpointedState> };
  holder[stateKey] ??= new Set();
  return holder[stateKey];
}

/** Registers state that is saved before a function runs and restored around running it again. */
export function checkpointedState<S>(state: CheckpointedState<S>): void {
  checkpointedStates().add(state as CheckpointedState);
}
