/** The default generator: the numbers that random operations draw when they are given no key. */
import { checkpointedState } from "@pullback/autodiff";
import type { RandomKey } from "./key.ts";
import { randomKey } from "./key.ts";

/** Everything that decides what is drawn next. */
export interface GeneratorState {
  readonly key: RandomKey;
  readonly draws: number;
}

let state: GeneratorState = { key: randomKey(Math.floor(Math.random() * 2 ** 32)), draws: 0 };

/** Starts the default generator anew: the same seed gives the same numbers. */
export function setSeed(seed: number): void {
  state = { key: randomKey(seed), draws: 0 };
}

/** A fresh key from the default generator. */
export function nextKey(): RandomKey {
  const { key, draws } = state;
  state = { key, draws: draws + 1 };
  return key.foldIn(draws);
}

/** The state of the default generator, for checkpoints. */
export function generatorState(): GeneratorState {
  return state;
}

/** Goes back to a state that `generatorState` gave. */
export function setGeneratorState(next: GeneratorState): void {
  state = next;
}

checkpointedState({ save: generatorState, restore: setGeneratorState });
