import { expect, test } from "@jest/globals";
import { PullbackError } from "./index.ts";

test("code, hint and cause, all of them also in what a terminal shows", () => {
  const cause = new Error("inner");
  class ShapeError extends PullbackError {
    override readonly name: string = "ShapeError";
  }
  const error = new ShapeError("shapes [2] and [3] do not match", {
    code: "PB0000",
    hint: "Reshape\none of them.",
    cause,
  });
  expect(error).toBeInstanceOf(PullbackError);
  expect(error).toBeInstanceOf(Error);
  expect([error.code, error.hint, error.cause, error.name]).toEqual([
    "PB0000",
    "Reshape\none of them.",
    cause,
    "ShapeError",
  ]);
  expect(error.message).toBe("PB0000: shapes [2] and [3] do not match\n  Reshape\n  one of them.");
  const bare = new PullbackError("text", { code: "PB0001" });
  expect([bare.message, bare.hint, bare.cause]).toEqual(["PB0001: text", undefined, undefined]);
});
