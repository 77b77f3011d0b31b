/** The stages that planning and compiling drive: a parameter, so that both are tested without a front end. */
import type { Demand, DerivedFunction, ForwardFunction } from "../ad/index.ts";
import type { EmitOptions, EmittedDerivative } from "../emit/index.ts";
import type { Program } from "../hir/types.ts";

export interface Stages {
  differentiate(program: Program, demand: Demand): DerivedFunction;
  differentiateForward(program: Program, demand: Demand): ForwardFunction;
  emitDerivative(derived: DerivedFunction | ForwardFunction, options: EmitOptions): EmittedDerivative;
  /** Types away, JavaScript and a source map into `text` out. */
  stripTypes(text: string, file: string): { code: string; map: string };
}
