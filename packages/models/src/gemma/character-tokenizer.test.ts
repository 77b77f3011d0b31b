import { expect, test } from "@jest/globals";
import { TokenizerError } from "../errors.ts";
import { CharacterTokenizer } from "./character-tokenizer.ts";

const tokenizer = new CharacterTokenizer("banana 🙂");

test("ids follow the special tokens in code point order", () => {
  expect(tokenizer.characters).toEqual([" ", "a", "b", "n", "🙂"]);
  expect(tokenizer.vocabularySize).toBe(8);
  expect(tokenizer.encode("ban", { bos: true })).toEqual([2, 5, 4, 6]);
});

test("text round-trips, and special tokens have none", () => {
  expect(tokenizer.decode([2, ...tokenizer.encode("an 🙂 nab"), 1])).toBe("an 🙂 nab");
});

test("its characters make it again", () => {
  expect(new CharacterTokenizer(tokenizer.characters.join("")).encode("ban")).toEqual(tokenizer.encode("ban"));
});

test("what it does not know is an error", () => {
  const code = (f: () => unknown): unknown => {
    try {
      return f();
    } catch (error) {
      expect(error).toBeInstanceOf(TokenizerError);
      return (error as TokenizerError).code;
    }
  };
  expect(code(() => tokenizer.encode("c"))).toBe("PB8202");
  expect(code(() => tokenizer.decode([8]))).toBe("PB8203");
  expect(code(() => tokenizer.decode([-1]))).toBe("PB8203");
});
