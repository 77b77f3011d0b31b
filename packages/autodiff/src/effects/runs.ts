/** Any number of runs of one function from one state of its arguments, of the random generator, and of the world. */
import { type EffectLog, effectLog, enter, leave, logged, reset } from "./log.ts";
import { capture, type Snapshot } from "./snapshot.ts";
import { checkpointedStates } from "./state.ts";

export class Runs {
  readonly #held: () => readonly unknown[];
  readonly #before: Snapshot;
  readonly #log: EffectLog = effectLog();

  /** `held` answers with the objects that the function may change, or see changed. */
  constructor(held: () => readonly unknown[]) {
    this.#held = held;
    this.#before = this.#capture();
  }

  /** The first run: what it changes stays as it is. */
  first<T>(work: () => T): T {
    const outer = logged();
    const run = enter(this.#log);
    try {
      const result = work();
      leave(run);
      return result;
    } finally {
      reset(outer);
    }
  }

  /** One that sees everything as the first run did, and leaves nothing behind. */
  again<T>(work: () => T): T {
    const now = this.#capture();
    this.#before.restore();
    try {
      return this.first(work);
    } finally {
      now.restore();
    }
  }

  #capture(): Snapshot {
    return capture(this.#held(), checkpointedStates());
  }
}
