/**
 * Whether what an engine has computed can be read at once. WebGPU has no such way of its own; its engine draws data on
 * canvases and reads their pixels, which a platform does exactly or not at all (without a graphics compositor it gives
 * zeros). So that is tried when somebody first wants to read so.
 */
import { Kernels } from "./kernels.ts";
import type { Engine, Tfjs } from "./types.ts";

/** The engine reads whole canvases of 65,536 numbers, then rows of 256, then what is left: this has all three. */
const count = 65_536 + 3 * 256 + 5;

/** Numbers of every exponent and many bit patterns: a linear congruential generator's (Numerical Recipes, ranqd1). */
function samples(): Float32Array {
  const bits = new Uint32Array(count);
  let state = 1;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const exponent = (state >>> 23) & 255;
    // Neither denormals, which the processor may flush, nor NaN, whose bits it may change.
    bits[i] = exponent === 0 || exponent === 255 ? 0x3f800000 + i : state;
  }
  return new Float32Array(bits.buffer);
}

export class Readback {
  private readonly kernels: Kernels;
  private known: boolean | undefined;

  constructor(tfjs: Tfjs, engine: Engine, engineName: string, device: string) {
    this.kernels = new Kernels(tfjs, engine, engineName, device);
    this.known = engineName === "webgpu" ? undefined : true;
  }

  /** Whether reading at once has been seen to work. */
  get isKnown(): boolean {
    return this.known === true;
  }

  /** Whether reading at once works, tried now if it has not been. */
  works(): boolean {
    this.known ??= this.tried();
    return this.known;
  }

  private tried(): boolean {
    const { kernels } = this;
    const given = samples();
    const negated = kernels.compose(() => kernels.run("Neg", { x: kernels.write(given.slice(), [count], "float32") }));
    try {
      const read = kernels.engine.readSync(negated.dataId) as Float32Array;
      return given.every((x, i) => read[i] === -x);
    } catch {
      return false;
    } finally {
      kernels.engine.disposeData(negated.dataId);
    }
  }
}
