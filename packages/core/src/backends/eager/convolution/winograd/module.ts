/**
 * The code of a convolution by Winograd's tiles: inputs to points, a matrix product over channels for each of the 36
 * points, products to outputs; and its adjoint for the weight, where the products run over tiles.
 */
import { blockFunction } from "../../kernels/gemm-module.ts";
import type { Lanes } from "../../kernels/lanes.ts";
import { i32, type Local, ModuleBuilder, sequence } from "../../wasm/index.ts";
import { totalFunction } from "../adjoint-module.ts";
import { adjointFunction } from "./adjoint.ts";
import { forwardFunction } from "./forward.ts";
import { tile } from "./layout.ts";
import { bump, constant, copyFunction, loop, plus, smaller, times } from "./samples.ts";
import { type TileFunctions, tileFunctions } from "./tile-module.ts";

/**
 * `weights(from, rowStep, channelStep, rowBytes, tapBytes, rows, channels, to, toPoint, scratch)`;
 * `forward(plan, firstSample, lastSample, firstTile, lastTile, scratch)`: the tiles count among those of the samples that
 * are copied at a time;
 * `adjoint(plan, firstSample, lastSample, to, scratch)`: adds to the products of all points at `to`;
 * `gradient(from, fromPoint, rowBytes, rows, channels, to, scratch)`: from products to the adjoint for the weight;
 * `total` as in the module of the direct adjoint.
 */
export function winogradModule(lanes: Lanes, relaxed: boolean): ModuleBuilder {
  const module = new ModuleBuilder();
  const tiles = tileFunctions(module, lanes, relaxed);
  const block = blockFunction(module, lanes, tile, relaxed);
  const copy = copyFunction(module);
  weightsFunction(module, tiles);
  forwardFunction(module, tiles, block, copy);
  adjointFunction(module, tiles, block, copy);
  gradientFunction(module, tiles);
  totalFunction(module, lanes);
  return module;
}

function weightsFunction(module: ModuleBuilder, tiles: TileFunctions): void {
  const f = module.function("weights", new Array(10).fill("i32"));
  const [from, rowStep, channelStep, rowBytes, tapBytes, rows, channels, to, toPoint, scratch] =
    f.parameters as Local[];
  const [row, channel, at] = [f.local("i32"), f.local("i32"), f.local("i32")];
  // Beyond the last row it is taken again: what comes of it is not used.
  const one = (i: number) =>
    plus(
      from!,
      times(smaller(i32.add(row, constant(i)), i32.sub(rows!, constant(1))), rowStep!),
      times(channel, channelStep!),
    );
  f.code(
    at.set(to!),
    loop(
      row,
      0,
      rows!,
      tile.rows,
      loop(
        channel,
        0,
        channels!,
        1,
        sequence(
          module.call(tiles.weight, one(0), one(1), one(2), one(3), rowBytes!, tapBytes!, scratch!, at, toPoint!),
          bump(at, 16),
        ),
      ),
    ),
  );
}

function gradientFunction(module: ModuleBuilder, tiles: TileFunctions): void {
  const f = module.function("gradient", new Array(7).fill("i32"));
  const [from, fromPoint, rowBytes, rows, channels, to, scratch] = f.parameters as Local[];
  const [row, channel, at] = [f.local("i32"), f.local("i32"), f.local("i32")];
  f.code(
    at.set(to!),
    loop(
      row,
      0,
      rows!,
      1,
      loop(
        channel,
        0,
        channels!,
        4,
        sequence(
          module.call(
            tiles.gradient,
            plus(from!, times(row, rowBytes!), times(channel, 4)),
            fromPoint!,
            scratch!,
            ...[0, 1, 2, 3].map((i) => i32.add(at, constant(36 * i))),
          ),
          bump(at, 4 * 36),
        ),
      ),
    ),
  );
}
