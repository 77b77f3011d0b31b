/** The conformance suite once more, every trace compiled the first time it comes: fused kernels see every operation. */
import { afterAll, beforeAll } from "@jest/globals";
import { closeBackend, useBackend } from "../../index.ts";
import { lazyBackend } from "./index.ts";

beforeAll(async () => {
  lazyBackend.recorder.programs.compileAtOnce = true;
  await useBackend("lazy");
});
afterAll(async () => {
  lazyBackend.recorder.programs.compileAtOnce = false;
  await closeBackend("lazy");
});

import "../../golden.test.ts";
import "../../derivatives/derivatives.test.ts";
import "../../derivatives/dtypes.test.ts";
import "../../random/random.test.ts";
import "../../tensor/tensor.test.ts";
