/** Fetching a file once: with progress, resume, checksum, and a rename when it is whole. */
import { DataError } from "../errors.ts";

export interface DownloadOptions {
  /** The file's SHA-256, in hexadecimal. */
  readonly sha256?: string;
  /** How often a broken connection is taken up again; default 5. */
  readonly retries?: number;
  readonly signal?: AbortSignal;
  /** Called as bytes arrive; `total` where the server says. By default a bar is drawn where there is a terminal. */
  readonly onProgress?: (received: number, total: number | undefined) => void;
}

/**
 * Fetches `url` into the file `path`, unless it is there (and of that checksum) already. What has arrived is kept beside
 * it, under the name with `.part`, and a broken download goes on from there, in a later run too.
 *
 * @returns the path
 * @throws DataError PB7205 when the server refuses, the connection breaks too often, or the checksum differs
 */
export async function download(url: string, path: string, options: DownloadOptions = {}): Promise<string> {
  const { mkdir, rename, rm, stat } = await import("node:fs/promises");
  const { dirname } = await import("node:path");
  const { sha256, retries = 5, signal } = options;
  const size = (file: string) => stat(file).then((s) => s.size, () => undefined); // biome-ignore format: one thought
  if ((await size(path)) !== undefined && (sha256 === undefined || (await digest(path)) === sha256)) return path;
  await mkdir(dirname(path), { recursive: true });
  const part = `${path}.part`;
  const report = options.onProgress ?? bar(path);
  let cause: unknown;
  for (let attempt = 0; attempt <= retries; attempt++) {
    signal?.throwIfAborted();
    try {
      await append(url, part, (await size(part)) ?? 0, signal, report);
      if (sha256 !== undefined && (await digest(part)) !== sha256) {
        await rm(part);
        throw new DataError(`the checksum of ${url} is not the expected one`, {
          code: "PB7205",
          file: path,
          hint: "The file changed on the server, or was damaged on its way. What arrived was removed.",
        });
      }
      await rename(part, path);
      return path;
    } catch (error) {
      if (error instanceof DataError || signal?.aborted) throw error;
      cause = error;
      await new Promise((resolve) => setTimeout(resolve, Math.min(2000, 50 * 2 ** attempt)));
    }
  }
  throw new DataError(`${url} could not be fetched: the connection broke ${retries + 1} times`, {
    code: "PB7205",
    file: path,
    cause,
    hint: "Run it again: what has arrived is kept, and the download goes on from there.",
  });
}

async function append(
  url: string,
  part: string,
  start: number,
  signal: AbortSignal | undefined,
  report: (received: number, total: number | undefined) => void,
): Promise<void> {
  const { open } = await import("node:fs/promises");
  const headers = start > 0 ? { range: `bytes=${start}-` } : undefined;
  const response = await fetch(url, { ...(headers && { headers }), ...(signal && { signal }) });
  // Nothing is left to send: the part is the whole file.
  if (response.status === 416 && start > 0) return void (await response.body?.cancel());
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new DataError(`${url} answers ${response.status} ${response.statusText}`, { code: "PB7205" });
  }
  const goesOn = response.status === 206;
  let received = goesOn ? start : 0;
  const length = response.headers.get("content-length");
  const total = length === null ? undefined : received + Number(length);
  const file = await open(part, goesOn ? "a" : "w");
  try {
    for await (const chunk of response.body) {
      await file.write(chunk);
      received += chunk.length;
      report(received, total);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  if (total !== undefined && received < total)
    throw new Error(`the connection ended after ${received} of ${total} bytes`);
}

async function digest(path: string): Promise<string> {
  const { createHash } = await import("node:crypto");
  const { createReadStream } = await import("node:fs");
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}

/** A line in the terminal; nothing elsewhere. */
function bar(path: string): (received: number, total: number | undefined) => void {
  const stream = globalThis.process?.stderr;
  if (stream?.isTTY !== true) return () => undefined;
  const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  return (received, total) => {
    const share = total === undefined ? "" : ` of ${mebibytes(total)} MiB (${Math.floor((100 * received) / total)} %)`;
    stream.write(`\r\x1b[K${path}: ${mebibytes(received)}${share}${received === total ? "\n" : ""}`);
  };
}
