import { expect, test } from "@jest/globals";
import { effectLog, enter, leave, logged, once, reset, touch } from "./log.ts";

/** Runs `work` three times over one log. */
function thrice<T>(work: () => T): T[] {
  const log = effectLog();
  return [0, 1, 2].map(() => {
    const run = enter(log);
    const result = work();
    leave(run);
    return result;
  });
}

test("an effect happens in the first run, and its result is the same in every other", () => {
  let count = 0;
  expect(thrice(() => once(() => ++count))).toEqual([1, 1, 1]);
  expect(count).toBe(1);
  expect(once(() => ++count)).toBe(2);
});

test("what it leaves in its arguments is put into those of the other runs, ties and new objects included", () => {
  let calls = 0;
  const results = thrice(() => {
    const box = { list: [1], map: new Map([["a", [0]]]), more: undefined as unknown };
    const made = once(() => {
      calls++;
      box.list.push(2);
      box.map.set("b", box.list);
      box.more = { own: box.map, floats: Float64Array.of(1, 2), set: new Set([box.list]) };
      return box.more;
    }, [box]) as { own: unknown; set: Set<unknown> };
    expect(made).toBe(box.more);
    expect(made.own).toBe(box.map);
    expect(box.map.get("b")).toBe(box.list);
    expect(made.set.has(box.list)).toBe(true);
    // Whatever a run does to them afterwards, the next one sees them as the effect left them.
    box.list.push(3);
    return box;
  });
  expect(calls).toBe(1);
  expect(results[1]).toEqual(results[0]);
  expect(results[2]).toEqual(results[0]);
  expect(results[1]?.list).not.toBe(results[0]?.list);
});

test("exceptions come again; methods of collections are called in every run", () => {
  let calls = 0;
  const fail = () => {
    calls++;
    throw new RangeError("no");
  };
  const results = thrice(() => {
    const names: string[] = [];
    once(() => names.push("a"), [names], true);
    expect(() => once(fail)).toThrow(RangeError);
    return names;
  });
  expect(calls).toBe(1);
  expect(results).toEqual([["a"], ["a"], ["a"]]);
});

test("state that is touched is as the first run saw it, and stays as that left it", () => {
  const state = { turns: 0, seen: [] as number[] };
  const seen = thrice(() => {
    touch(state);
    state.turns++;
    state.seen.push(state.turns);
    return state.turns;
  });
  expect(seen).toEqual([1, 1, 1]);
  expect(state).toEqual({ turns: 1, seen: [1] });
});

test("runs inside of runs", () => {
  let count = 0;
  const results = thrice(() => [once(() => ++count), ...thrice(() => once(() => ++count)), once(() => ++count)]);
  expect(count).toBe(3);
  for (const each of results) expect(each).toEqual([1, 2, 2, 2, 3]);
});

test("a run that takes another way is an error", () => {
  const log = effectLog();
  const first = enter(log);
  once(() => 1);
  leave(first);
  const more = enter(log);
  once(() => 1);
  expect(() => once(() => 2)).toThrow(expect.objectContaining({ code: "PB3024" }));
  reset(undefined);
  expect(logged()).toBeUndefined();
  expect(more.outer).toBeUndefined();
  const fewer = enter(log);
  expect(() => leave(fewer)).toThrow(expect.objectContaining({ code: "PB3024" }));
});
