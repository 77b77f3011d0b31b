/** Data sets, and batches from them. */
export { type Collated, collate } from "./collate.ts";
export { asBatches, type Batches, type Dataset } from "./dataset.ts";
export { DataLoader, type DataLoaderOptions } from "./loader.ts";
export { TokenWindows, type TokenWindowsOptions } from "./token-windows.ts";
