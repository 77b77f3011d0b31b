/** The lazy backend: records, fuses, compiles, and runs at observation. It shares memory with the eager one. */
import { eagerBackend } from "../eager/index.ts";
import { LazyBackend } from "./lazy-backend.ts";

export { LazyBackend } from "./lazy-backend.ts";

/** The lazy backend over the default eager one. */
export const lazyBackend: LazyBackend = new LazyBackend(eagerBackend);
