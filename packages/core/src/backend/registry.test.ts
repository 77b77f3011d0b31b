import { expect, test } from "@jest/globals";
import {
  availableBackends,
  BackendError,
  closeBackend,
  memoryStats,
  useBackend,
  withBackend,
  zeros,
} from "../index.ts";

test("eager is there from the start", async () => {
  expect(availableBackends()).toContain("eager");
  expect(zeros([1]).device).toBe("eager");
  await useBackend("eager");
  await closeBackend("eager");
  expect(await withBackend("eager", () => zeros([2]).size)).toBe(2);
  const before = memoryStats("eager").live;
  const kept = zeros([1000]).add(1);
  expect(memoryStats().live - before).toBeGreaterThanOrEqual(4 * kept.size);
});

test.each(["eager", "lazy"])("%s: closing runs what is recorded and loses nothing", async (name) => {
  const x = await withBackend(name, () => zeros([300, 300]).add(2));
  const y = x.mul(3);
  await closeBackend(name);
  expect((await y.data())[89_999]).toBe(6);
  expect((await x.sum().data())[0]).toBe(180_000);
});

test("an unknown backend is an error that says what there is", async () => {
  await expect(useBackend("abacus")).rejects.toThrow(BackendError);
  await expect(withBackend("abacus", () => 1)).rejects.toThrow(/eager/);
  expect(() => memoryStats("abacus")).toThrow(BackendError);
  expect(zeros([1]).device).toBe("eager");
});
