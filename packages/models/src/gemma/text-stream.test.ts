import { describe, expect, test } from "@jest/globals";
import { TextStream } from "./text-stream.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Tokens are UTF-8 bytes. */
const bytes: Tokenizer = {
  encode: (text) => [...new TextEncoder().encode(text)],
  decode: (ids) => new TextDecoder().decode(Uint8Array.from(ids)),
};

function stream(text: string, stops: string[] = []) {
  const out = new TextStream(bytes, stops);
  const pieces = [];
  for (const token of bytes.encode(text)) {
    pieces.push(...out.push(token));
    if (out.stopped) break;
  }
  return [...pieces, ...out.flush()];
}
const textOf = (pieces: { text: string }[]) => pieces.map((piece) => piece.text);

test("every token comes out once, in order, and no character is cut", () => {
  const text = "a→🙂é.";
  const pieces = stream(text);
  expect(pieces.map((piece) => piece.token)).toEqual(bytes.encode(text));
  expect(textOf(pieces).filter((one) => one !== "")).toEqual([...text]);
});

test("an incomplete character comes out at the end", () => {
  const out = new TextStream(bytes);
  expect(out.push(0xe2)).toEqual([]);
  expect(out.flush()).toEqual([{ token: 0xe2, text: "\uFFFD" }]);
});

describe("stop strings", () => {
  test("end the text before them", () => {
    const pieces = stream("hello END world", [" END"]);
    expect(textOf(pieces).join("")).toBe("hello");
  });

  test("that only begin do not hold the text back for ever", () => {
    expect(textOf(stream("EN EEND", ["END"])).join("")).toBe("EN E");
    expect(textOf(stream("the EN", ["END"])).join("")).toBe("the EN");
  });

  test("may stand inside one token's text", () => {
    const words: Tokenizer = { encode: () => [], decode: (ids) => ids.map((id) => ["a. ", "b\nc"][id]).join("") };
    const out = new TextStream(words, ["\n"]);
    expect(out.push(0)).toEqual([{ token: 0, text: "a. " }]);
    expect(out.push(1)).toEqual([{ token: 1, text: "b" }]);
    expect(out.stopped).toBe(true);
  });
});

test("without a tokenizer there is no text", () => {
  expect(new TextStream(undefined).push(5)).toEqual([{ token: 5, text: "" }]);
});
