/** Where tensors live: a bounded arena of linear memory that spills to ordinary buffers. */
export { Arena, type ArenaOptions, type Views } from "./arena.ts";
export { type BulkFunctions, bulkFunctions } from "./bulk.ts";
export { Handle } from "./storage.ts";
