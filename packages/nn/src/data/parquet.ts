/** Parquet files, the format of most data sets on the Hub. */
import { DataError } from "../errors.ts";
import { Stream } from "./stream.ts";

export interface ParquetOptions {
  /** The columns to read, by default all; the others' bytes are not touched. */
  readonly columns?: readonly string[];
}

/**
 * The rows of a Parquet file as objects, read row group by row group, so that the file need not fit into memory. 64-bit
 * integers come as numbers where those are exact, else as bigints. Snappy, gzip, Brotli and (from Node 22.15)
 * Zstandard compression.
 *
 * @throws DataError PB7204, while reading: with the offset of a damaged footer, with the first row of a damaged row
 *   group, or for a column that the file does not have
 */
export function readParquet<Row extends object = Record<string, unknown>>(
  path: string,
  { columns }: ParquetOptions = {},
): Stream<Row> {
  return new Stream(async function* () {
    const { open } = await import("node:fs/promises");
    const { parquetMetadataAsync, parquetReadObjects, parquetSchema } = await import("hyparquet");
    const compressors = await decompressors();
    const handle = await open(path);
    try {
      const { size } = await handle.stat();
      const file = {
        byteLength: size,
        async slice(start: number, end = size) {
          const bytes = new Uint8Array(end - start);
          const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
          if (bytesRead < bytes.length) throw new Error(`bytes ${start} to ${end} are not there`);
          return bytes.buffer;
        },
      };
      const metadata = await parquetMetadataAsync(file).catch((cause: Error) => {
        throw damaged(path, `its footer cannot be read (${cause.message})`, Math.max(0, size - 8), cause);
      });
      const known = parquetSchema(metadata).children.map(({ element }) => element.name);
      const unknown = columns?.filter((name) => !known.includes(name)) ?? [];
      if (unknown.length > 0) {
        throw new DataError(`it has no column ${unknown.join(", ")}`, {
          code: "PB7204",
          file: path,
          hint: `Its columns are: ${known.join(", ")}.`,
        });
      }
      let rowStart = 0;
      for (const group of metadata.row_groups) {
        const rowEnd = rowStart + Number(group.num_rows);
        const wanted = columns === undefined ? {} : { columns: [...columns] };
        const rows = await parquetReadObjects({ file, metadata, rowStart, rowEnd, compressors, ...wanted }).catch(
          (cause: Error) => {
            throw damaged(
              path,
              `its rows ${rowStart} to ${rowEnd - 1} cannot be read (${cause.message})`,
              rowStart,
              cause,
            );
          },
        );
        for (const row of rows) yield withNumbers(row) as Row;
        rowStart = rowEnd;
      }
    } finally {
      await handle.close();
    }
  });
}

const damaged = (file: string, what: string, offset: number, cause: Error) =>
  new DataError(what, { code: "PB7204", file, offset, cause });

/** What Node can decompress besides Snappy, which the reader knows itself. */
async function decompressors() {
  const { brotliDecompressSync, gunzipSync, ...zlib } = await import("node:zlib");
  const zstd = (zlib as { zstdDecompressSync?: (bytes: Uint8Array) => Uint8Array }).zstdDecompressSync;
  return {
    GZIP: (bytes: Uint8Array) => gunzipSync(bytes),
    BROTLI: (bytes: Uint8Array) => brotliDecompressSync(bytes),
    ...(zstd !== undefined && { ZSTD: (bytes: Uint8Array) => zstd(bytes) }),
  };
}

/** Exact bigints as numbers, at any depth. */
function withNumbers(value: unknown): unknown {
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  if (Array.isArray(value)) return value.map(withNumbers);
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withNumbers(inner)]));
}
