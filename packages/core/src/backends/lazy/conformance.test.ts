/** Every golden case, every registered derivative and every tensor test once more, recorded and run by the lazy backend. */
import { afterAll, beforeAll } from "@jest/globals";
import { closeBackend, useBackend } from "../../index.ts";

beforeAll(() => useBackend("lazy"));
afterAll(() => closeBackend("lazy"));

import "../../golden.test.ts";
import "../../derivatives/derivatives.test.ts";
import "../../derivatives/dtypes.test.ts";
import "../../random/random.test.ts";
import "../../tensor/tensor.test.ts";
