/**
 * The stages over a program that is edited: what they made of it stays while it holds. They see one program that never
 * changes its identity, and every function that they look at is remembered as a source of what they make.
 */
import { type Memo, memoOf } from "../analysis/index.ts";
import type { CompilerProgram } from "../frontend/index.ts";
import type { HirFunction, Program, StructType } from "../hir/types.ts";
import type { Stages } from "./stages.ts";

export class Revisions implements Pick<Stages, "differentiate" | "differentiateForward"> {
  readonly #stages: Pick<Stages, "differentiate" | "differentiateForward">;
  readonly #program = new CurrentProgram();

  constructor(stages: Pick<Stages, "differentiate" | "differentiateForward">) {
    this.#stages = stages;
  }

  /** Goes over to another program; what was made of functions that are the same in both stays. */
  advance(program: CompilerProgram): void {
    this.#program.current = program;
    this.#memo.revise();
  }

  readonly differentiate: Stages["differentiate"] = (_, demand) =>
    this.#memo.get(`reverse ${demand.mask} ${demand.key}`, () => this.#stages.differentiate(this.#program, demand));

  readonly differentiateForward: Stages["differentiateForward"] = (_, demand) =>
    this.#memo.get(`forward ${demand.mask} ${demand.key}`, () =>
      this.#stages.differentiateForward(this.#program, demand),
    );

  get #memo(): Memo {
    return memoOf(this.#program);
  }
}

/** Whatever program is the current one. */
class CurrentProgram implements Program {
  current: CompilerProgram | undefined;

  lower(key: string): HirFunction {
    return memoOf(this).get(`function ${key}`, () => this.#program.lower(key));
  }

  structOf(key: string): StructType {
    return this.#program.structOf(key);
  }

  get #program(): CompilerProgram {
    if (this.current === undefined) throw new Error("Compiler defect: there is no program yet");
    return this.current;
  }
}
