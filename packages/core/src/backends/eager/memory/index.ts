/** Where tensors live: a bounded arena of linear memory that spills to ordinary buffers. */
export { Arena, type ArenaOptions, stagingBytes, type Views } from "./arena.ts";
export { Cell, Handle } from "./storage.ts";
