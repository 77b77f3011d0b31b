/** Data sets, streams, and batches from them; files of common formats. */
export { type Collated, collate } from "./collate.ts";
export { asBatches, type Batches, type Dataset } from "./dataset.ts";
export { type DownloadOptions, download } from "./download.ts";
export { type CifarSample, type Idx, readCifar, readIdx } from "./image-files.ts";
export { decodeImage, type ImageOptions, readImage } from "./images.ts";
export { DataLoader, type DataLoaderOptions } from "./loader.ts";
export { type ParquetOptions, readParquet } from "./parquet.ts";
export { type Packed, type Padded, type PaddedOptions, pack, padded } from "./sequences.ts";
export { Stream, StreamBatches } from "./stream.ts";
export { type CsvOptions, readCsv, readJsonLines, readLines } from "./text-files.ts";
export { TokenWindows, type TokenWindowsOptions } from "./token-windows.ts";
