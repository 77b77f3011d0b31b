/** Threads: a pool of workers that share the engine's memory. */
export { type PoolOptions, ThreadPool, type ThreadStats } from "./pool.ts";
export { guidedShares, type Share, shares } from "./shares.ts";
