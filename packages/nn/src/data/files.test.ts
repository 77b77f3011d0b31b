/** Readers of file formats, and downloads from a server that drops connections. */
import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, jest, test } from "@jest/globals";
import { all, failure, temporaryFolder, writerInto } from "../../testdata/reading.ts";
import { download, readCifar, readCsv, readIdx, readJsonLines, readLines } from "./index.ts";

// The first fetch loads a good part of Node, which a busy machine makes long.
jest.setTimeout(30_000);

const home = await temporaryFolder();
const file = writerInto(home);

describe("IDX", () => {
  const header = (type: number, ...shape: number[]) => {
    const bytes = new DataView(new ArrayBuffer(4 + 4 * shape.length));
    bytes.setUint8(2, type);
    bytes.setUint8(3, shape.length);
    for (const [i, extent] of shape.entries()) bytes.setUint32(4 + 4 * i, extent);
    return new Uint8Array(bytes.buffer);
  };

  test("bytes, plain and gzipped, and floats, which are big-endian", async () => {
    const bytes = Buffer.concat([header(8, 2, 3), Uint8Array.of(1, 2, 3, 4, 5, 255)]);
    for (const path of [await file("a.idx", bytes), await file("a.idx.gz", gzipSync(bytes))]) {
      const { shape, data } = await readIdx(path);
      expect([shape, data]).toEqual([[2, 3], Uint8Array.of(1, 2, 3, 4, 5, 255)]);
    }
    const float = new DataView(new ArrayBuffer(4));
    float.setFloat32(0, -1.5);
    const { data } = await readIdx(await file("f.idx", Buffer.concat([header(13, 1), new Uint8Array(float.buffer)])));
    expect(data).toEqual(Float32Array.of(-1.5));
  });

  test.each<[string, Uint8Array]>([
    ["empty", new Uint8Array(0)],
    ["no IDX file", Uint8Array.of(1, 2, 8, 1, 0, 0, 0, 0)],
    ["unknown type", header(7, 1)],
    ["cut header", header(8, 2, 2).subarray(0, 9)],
    ["cut data", Buffer.concat([header(8, 4), Uint8Array.of(1, 2)])],
    ["damaged gzip", Uint8Array.of(0x1f, 0x8b, 1, 2)],
  ])("%s", async (name, bytes) => {
    const path = await file(`bad-${name}`, bytes);
    const error = await failure(readIdx(path));
    expect([error.code, error.file, typeof error.offset]).toEqual(["PB7204", path, "number"]);
  });
});

test("CIFAR-10 and CIFAR-100, and what is neither", async () => {
  const image = new Uint8Array(3072).map((_, i) => i % 251);
  const ten = Buffer.concat([Uint8Array.of(3), image, Uint8Array.of(9), image]);
  expect(
    (await readCifar(await file("ten.bin", ten))).map(({ label, pixels }) => [label, pixels[250], pixels.length]),
  ).toEqual([
    [3, 250, 3072],
    [9, 250, 3072],
  ]);
  const [hundred] = await readCifar(await file("hundred.bin", Buffer.concat([Uint8Array.of(7, 99), image])), 100);
  expect([hundred!.coarseLabel, hundred!.label, hundred!.pixels]).toEqual([7, 99, image]);
  expect((await failure(readCifar(await file("cut.bin", ten.subarray(0, 4000))))).code).toBe("PB7204");
  const wrong = await failure(
    readCifar(await file("label.bin", Buffer.concat([Uint8Array.of(3), image, Uint8Array.of(10), image]))),
  );
  expect([wrong.code, wrong.offset]).toEqual(["PB7204", 3073]);
});

describe("text", () => {
  test("lines of either ending, without a byte-order mark", async () => {
    expect(await all(readLines(await file("a.txt", "\uFEFFone\r\ntwo\n\nthree")))).toEqual(["one", "two", "", "three"]);
    await expect(all(readLines(join(home, "missing.txt")))).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("JSONL, with the line of what is none", async () => {
    expect(await all(readJsonLines(await file("a.jsonl", '{"a":1}\n\n[2]\n')))).toEqual([{ a: 1 }, [2]]);
    const path = await file("b.jsonl", '{"a":1}\n{"a":\n');
    const error = await failure(all(readJsonLines(path)));
    expect([error.code, error.file, error.line]).toEqual(["PB7204", path, 2]);
  });

  test("CSV: quotes, separators and line ends in fields, empty fields", async () => {
    const path = await file("a.csv", 'name,note,n\r\n"Ada, L.","said ""hi""\nand left",1\nBob,,\n"",x,3\n');
    expect(await all(readCsv(path))).toEqual([
      { name: "Ada, L.", note: 'said "hi"\nand left', n: "1" },
      { name: "Bob", note: "", n: "" },
      { name: "", note: "x", n: "3" },
    ]);
    const tabs = await file("b.tsv", "1\t2\n");
    expect(await all(readCsv(tabs, { separator: "\t", columns: ["a", "b"] }))).toEqual([{ a: "1", b: "2" }]);
  });

  test.each([
    ["too few fields", "a,b\n1,2\n3\n", 3],
    ["an open quote", 'a,b\n1,2\n"3,4\n5\n', 3],
    ["text after a quote", 'a,b\n"1"x,2\n', 2],
    ["a quote inside", 'a,b\n1"2,3\n', 2],
  ])("CSV: %s", async (name, content, line) => {
    const error = await failure(all(readCsv(await file(`${name}.csv`, content))));
    expect([error.code, error.line]).toEqual(["PB7204", line]);
  });
});

describe("download", () => {
  const content = Buffer.from(Uint8Array.from({ length: 200_000 }, (_, i) => (i * 31) % 256));
  const sha256 = createHash("sha256").update(content).digest("hex");
  let server: Server | undefined;
  let requests: (string | undefined)[] = [];
  afterAll(() => void server?.close());

  /** Serves the content by `answer`, and remembers which ranges were asked for. */
  async function serve(answer: (from: number, response: ServerResponse, count: number) => void): Promise<string> {
    server?.close();
    requests = [];
    server = createServer((request, response) => {
      requests.push(request.headers.range);
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
      answer(from, response, requests.length);
    });
    await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`;
  }

  const head = (response: ServerResponse, from: number) =>
    response.writeHead(from > 0 ? 206 : 200, { "content-length": content.length - from });

  test("goes on where the connection broke, and renames when all is there", async () => {
    const url = await serve((from, response, count) => {
      head(response, from);
      if (count > 2) return void response.end(content.subarray(from));
      response.write(content.subarray(from, from + 70_000), () => setTimeout(() => response.destroy(), 30));
    });
    const path = join(home, "deep", "got.bin");
    const seen: number[] = [];
    expect(await download(url, path, { sha256, onProgress: (received) => void seen.push(received) })).toBe(path);
    expect(await readFile(path)).toEqual(content);
    expect(requests).toHaveLength(3);
    expect(requests[0]).toBeUndefined();
    expect(requests.slice(1).every((range) => /^bytes=[1-9]/.test(range!))).toBe(true);
    expect(seen.at(-1)).toBe(content.length);
    expect(await readdir(join(home, "deep"))).toEqual(["got.bin"]);
    await download(url, path, { sha256 });
    expect(requests).toHaveLength(3);
  });

  test("starts over where the server knows no ranges", async () => {
    const url = await serve((_, response) => head(response, 0).end(content));
    await writeFile(join(home, "whole.bin.part"), content.subarray(0, 100));
    await download(url, join(home, "whole.bin"), { sha256 });
    expect(await readFile(join(home, "whole.bin"))).toEqual(content);
  });

  test("a wrong checksum, a refusal, and a connection that always breaks are DataErrors", async () => {
    const url = await serve((_, response) => head(response, 0).end(content));
    const wrong = await failure(download(url, join(home, "w.bin"), { sha256: "00" }));
    expect([wrong.code, (await readdir(home)).filter((name) => name.startsWith("w.bin"))]).toEqual(["PB7205", []]);
    const missing = await serve((_, response) => response.writeHead(404).end());
    expect((await failure(download(missing, join(home, "x.bin")))).message).toMatch(/404/);
    const broken = await serve((_, response) => void response.destroy());
    expect((await failure(download(broken, join(home, "y.bin"), { retries: 1 }))).code).toBe("PB7205");
    expect(requests).toHaveLength(2);
  });

  test("a signal ends it", async () => {
    const url = await serve((_, response) => void head(response, 0).write(content.subarray(0, 10)));
    const signal = AbortSignal.timeout(50);
    await expect(download(url, join(home, "z.bin"), { signal })).rejects.toMatchObject({ name: "TimeoutError" });
    server?.closeAllConnections();
  });
});
