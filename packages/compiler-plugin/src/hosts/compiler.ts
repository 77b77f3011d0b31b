/** The stages of this package, put together. TypeScript itself is loaded by the first call that needs it. */
import { differentiate, differentiateForward } from "../ad/index.ts";
import { emitDerivative } from "../emit/index.ts";
import { createProgram, stripTypes } from "../frontend/index.ts";

export const compiler = { createProgram, differentiate, differentiateForward, emitDerivative, stripTypes };
