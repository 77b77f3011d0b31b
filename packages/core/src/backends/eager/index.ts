/** The default backend: embedded, nothing to install. WebAssembly kernels over a bounded arena. */
import { EagerBackend } from "./eager-backend.ts";
import type { ThreadStats } from "./threads/index.ts";

export { EagerBackend } from "./eager-backend.ts";
export type { ArenaOptions } from "./memory/index.ts";
export type { ThreadStats } from "./threads/index.ts";

/** The backend that tensors use unless told otherwise. Its memory is taken on first use. */
export const eagerBackend: EagerBackend = new EagerBackend();

/** What threads do for the eager and lazy backends, which share them. */
export const threadStats = (): ThreadStats => eagerBackend.engine.pool.stats();
