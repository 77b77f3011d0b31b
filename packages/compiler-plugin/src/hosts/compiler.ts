/** The stages of this package, put together. TypeScript itself is loaded by the first call that needs it. */
import { differentiate, differentiateForward, withOperators } from "../ad/index.ts";
import { emitDerivative } from "../emit/index.ts";
import {
  type CompilerProgram,
  createProgram,
  forgetSources,
  type ProgramOptions,
  stripTypes,
} from "../frontend/index.ts";

export const compiler = {
  createProgram: (options: ProgramOptions): CompilerProgram => withOperators(createProgram(options)),
  differentiate,
  differentiateForward,
  emitDerivative,
  stripTypes,
  forgetSources,
};
