/** Parquet files and images, written by other libraries or by hand. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "@jest/globals";
import type { Tensor } from "@pullback/core";
import { encode as encodePng } from "fast-png";
import { parquetWriteBuffer } from "hyparquet-writer";
import jpeg from "jpeg-js";
import { all, failure, temporaryFolder, writerInto } from "../../testdata/reading.ts";
import { decodeImage, readImage, readParquet } from "./index.ts";

const home = await temporaryFolder();
const file = writerInto(home);

describe("Parquet", () => {
  const columnData = () => [
    { name: "text", data: ["one", "two", null, "four"], type: "STRING" as const },
    { name: "label", data: [1n, 2n, 3n, 2n ** 60n], type: "INT64" as const },
    { name: "score", data: [0.5, -1.25, 3, 1e300], type: "DOUBLE" as const },
  ];
  const bytes = (options = {}) => new Uint8Array(parquetWriteBuffer({ columnData: columnData(), ...options }));

  test("rows as objects, over row groups, compressed or not; every epoch reads anew", async () => {
    const rows = [
      { text: "one", label: 1, score: 0.5 },
      { text: "two", label: 2, score: -1.25 },
      { text: null, label: 3, score: 3 },
      { text: "four", label: 2n ** 60n, score: 1e300 },
    ];
    const compressors = { GZIP: (input: Uint8Array) => new Uint8Array(gzipSync(input)) };
    for (const [name, content] of [
      ["snappy.parquet", bytes({ rowGroupSize: [2, 2] })],
      ["plain.parquet", bytes({ codec: "UNCOMPRESSED", rowGroupSize: [3, 1] })],
      ["gzip.parquet", bytes({ codec: "GZIP", compressors })],
    ] as const) {
      const stream = readParquet(await file(name, content));
      expect(await all(stream)).toEqual(rows);
      expect(await all(stream)).toEqual(rows);
    }
  });

  test("chosen columns; a column that is not there is named with those that are", async () => {
    const path = await file("columns.parquet", bytes());
    expect(await all(readParquet(path, { columns: ["label"] }).take(2))).toEqual([{ label: 1 }, { label: 2 }]);
    const error = await failure(all(readParquet(path, { columns: ["lable"] })));
    expect([error.code, error.file]).toEqual(["PB7204", path]);
    expect(error.hint).toContain("text, label, score");
  });

  test("cut files and foreign files: the offset of the footer", async () => {
    const whole = bytes();
    const text = Buffer.from("label,score\n1,0.5\n");
    for (const [name, content] of [
      ["cut", whole.subarray(0, -20)],
      ["csv", text],
      ["empty", new Uint8Array()],
    ] as const) {
      const path = await file(`${name}.parquet`, content);
      const error = await failure(all(readParquet(path)));
      expect([error.code, error.file, error.offset]).toEqual(["PB7204", path, Math.max(0, content.length - 8)]);
    }
  });

  test("a damaged row group: its first row, after the rows before it", async () => {
    const whole = bytes({ rowGroupSize: [2, 2], codec: "UNCOMPRESSED" });
    const at = Buffer.from(whole).indexOf("four");
    whole.fill(0xff, at - 20, at);
    const path = await file("damaged.parquet", whole);
    const seen: unknown[] = [];
    const error = await failure(
      (async () => {
        for await (const { label } of readParquet<{ label: number }>(path)) seen.push(label);
      })(),
    );
    expect([error.code, error.file, error.offset, seen]).toEqual(["PB7204", path, 2, [1, 2]]);
  });
});

describe("images", () => {
  const rgb = { width: 2, height: 2, channels: 3, data: Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 8, 7) };

  test("PNG: colour planes, grey, alpha", async () => {
    const path = await file("rgb.png", encodePng(rgb));
    const image = await readImage(path);
    expect([image.dtype, image.shape]).toEqual(["uint8", [3, 2, 2]]);
    expect(image.toArray()).toEqual([[[255, 0], [0, 9]], [[0, 255], [0, 8]], [[0, 0], [255, 7]]]); // biome-ignore format: planes
    // 0.299 R + 0.587 G + 0.114 B
    expect((await readImage(path, { channels: 1 })).toArray()).toEqual([[[76, 150], [29, 8]]]); // biome-ignore format: planes
    expect((await readImage(path, { channels: 4 })).slice(3).toArray()).toEqual([[255, 255], [255, 255]]); // biome-ignore format: planes
    const withAlpha = encodePng({ width: 1, height: 1, channels: 4, data: Uint8Array.of(1, 2, 3, 4) });
    expect((await decodeImage(withAlpha, { channels: 4 })).flatten().toArray()).toEqual([1, 2, 3, 4]);
  });

  test("PNG: sixteen bits, one bit, palettes", async () => {
    const flat = async (png: Uint8Array) => (await decodeImage(png, { channels: 4 })).flatten().toArray();
    const sixteen = encodePng({ width: 2, height: 1, channels: 1, depth: 16, data: Uint16Array.of(65535, 257 * 100) });
    expect((await decodeImage(sixteen, { channels: 1 })).flatten().toArray()).toEqual([255, 100]);
    // Bits 1 0 1 | 0 1 1, each row in a byte of its own.
    const bits = encodePng({ width: 3, height: 2, channels: 1, depth: 1, data: Uint8Array.of(0b10100000, 0b01100000) });
    expect((await decodeImage(bits, { channels: 1 })).toArray()).toEqual([[[255, 0, 255], [0, 255, 255]]]); // biome-ignore format: planes
    const palette = [
      [10, 20, 30],
      [40, 50, 60],
    ];
    const indexed = encodePng({ width: 2, height: 1, channels: 1, depth: 1, data: Uint8Array.of(0b01000000), palette });
    expect(await flat(indexed)).toEqual([10, 40, 20, 50, 30, 60, 255, 255]);
  });

  test("JPEG: near what was encoded", async () => {
    const [width, height] = [16, 8];
    const data = new Uint8Array(4 * width * height);
    for (let i = 0; i < width * height; i++) data.set([200, 8 * (i % width), 40, 255], 4 * i);
    const path = await file("a.jpg", jpeg.encode({ width, height, data }, 95).data);
    const image = await readImage(path);
    expect(image.shape).toEqual([3, height, width]);
    const flat = (x: Tensor) => x.flatten().toArray() as number[];
    const found = flat(image.transpose([1, 2, 0]));
    const worst = found.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - data[4 * Math.floor(i / 3) + (i % 3)])),
      0,
    );
    expect(worst).toBeLessThan(12);
  });

  test("damaged and foreign files: file and offset", async () => {
    const png = encodePng(rgb);
    const flipped = Uint8Array.from(png);
    flipped[flipped.length - 20] ^= 0xff; // inside the pixels' chunk
    const picture = jpeg.encode({ width: 8, height: 8, data: new Uint8Array(256).fill(99) }, 90).data;
    for (const [name, content, offset] of [
      ["cut.png", png.subarray(0, png.length - 16), 33],
      ["flipped.png", flipped, 0],
      ["cut.jpg", picture.subarray(0, picture.length - 2), picture.length - 2],
      ["text.png", Buffer.from("no image"), 0],
      ["empty.jpg", new Uint8Array(), 0],
    ] as const) {
      const path = await file(name, content);
      const error = await failure(readImage(path));
      expect([name, error.code, error.file, error.offset]).toEqual([name, "PB7204", path, offset]);
    }
    expect((await failure(decodeImage(await readFile(join(home, "text.png"))))).file).toBeUndefined();
  });
});
