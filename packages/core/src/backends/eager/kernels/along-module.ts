/** Gathering and scattering of 32-bit elements along an axis, each by an index of its own. */
import {
  type FunctionBuilder,
  f32,
  i32,
  type Local,
  loopTo,
  ModuleBuilder,
  type Statement,
  sequence,
  when,
} from "../wasm/index.ts";

/**
 * `take(from, at, to, outer, extent, count, inner, bad)`: [outer, extent, inner] at int32 [outer, count, inner];
 * `add(from, at, to, outer, extent, count, inner, bad)`: float32 [outer, count, inner], added to [outer, extent, inner].
 * Negative indices count from the end; where one lies outside, a word at `bad` is set and the element is left out.
 */
export function alongModule(): ModuleBuilder {
  const module = new ModuleBuilder();
  along(module, "take", (table, cell) => i32.store(cell, i32.load(table)));
  along(module, "add", (table, cell) => f32.store(table, f32.add(f32.load(table), f32.load(cell))));
  return module;
}

/** `move` gets the element's address in the array of `extent`, and in that of `count`. */
function along(
  module: ModuleBuilder,
  name: "take" | "add",
  move: (table: Local, cell: Local) => Statement,
): FunctionBuilder {
  const f = module.function(name, new Array(8).fill("i32"));
  const [from, at, to, outer, extent, count, inner, bad] = f.parameters;
  const [o, k, i, index, address, planeBytes] = Array.from({ length: 6 }, () => f.local("i32"));
  const [table, cell] = name === "take" ? [from, to] : [to, from];
  const four = i32.const(4);
  const isInside = i32.and(i32.ge(index, i32.const(0)), i32.lt(index, extent));
  const element = sequence(
    index.set(i32.load(at)),
    index.set(i32.add(index, i32.and(i32.shr(index, i32.const(31)), extent))),
    when(
      isInside,
      sequence(
        address.set(i32.add(table, i32.shl(i32.add(i32.mul(index, inner), i), i32.const(2)))),
        move(address, cell),
      ),
      i32.store(bad, i32.const(1)),
    ),
    at.set(i32.add(at, four)),
    cell.set(i32.add(cell, four)),
  );
  const plane = sequence(
    k.set(i32.const(0)),
    loopTo(k, count, 1, sequence(i.set(i32.const(0)), loopTo(i, inner, 1, element))),
    table.set(i32.add(table, planeBytes)),
  );
  f.code(
    planeBytes.set(i32.shl(i32.mul(extent, inner), i32.const(2))),
    o.set(i32.const(0)),
    loopTo(o, outer, 1, plane),
  );
  return f;
}
