/** What every variable holds at a point of the program, and which exits are on their way. */
import type ts from "typescript";
import type { Type, Value } from "../../hir/index.ts";

/** A variable that lowering itself introduces, such as the accumulator of a `reduce`. */
export interface Temporary {
  readonly temporary: string;
  readonly type: Type;
}

export type Variable = ts.Symbol | Temporary | "this";

/**
 * A place that an exit leaves: a function, a loop (`break`), one iteration (`continue`), a labelled statement, a block with
 * a handler (`catch`). An exit
 * sets the flag of its target and of every exit place inside it, so that the innermost flag alone says whether the
 * statements that follow still run.
 */
export interface Exit {
  readonly kind: "function" | "break" | "continue" | "label" | "catch";
  readonly labels: readonly string[];
  /** `switch` is a target of `break` without being one of `continue`. */
  readonly result?: Type;
}

/** A flag that is known while lowering, or a boolean value where branches disagree. */
export type Flag = boolean | Value;

export class Environment {
  readonly variables: Map<Variable, Value>;
  readonly flags: Map<Exit, Flag>;
  /** What functions return, and handlers are given. */
  readonly results: Map<Exit, Value>;
  /** After a throw. */
  diverged: boolean;

  constructor(
    variables: Map<Variable, Value> = new Map(),
    flags: Map<Exit, Flag> = new Map(),
    results: Map<Exit, Value> = new Map(),
    diverged = false,
  ) {
    this.variables = variables;
    this.flags = flags;
    this.results = results;
    this.diverged = diverged;
  }

  copy(): Environment {
    return new Environment(new Map(this.variables), new Map(this.flags), new Map(this.results), this.diverged);
  }
}
