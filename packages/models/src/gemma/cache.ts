/**
 * What attention remembers of earlier tokens: keys and values, of the last window on local layers (a ring), of
 * everything on global ones (a buffer that doubles).
 *
 * Bytes in float32: 8 · batch · keyValueHeads · headDim · (globalLayers · n + localLayers · min(window, n)).
 */
import type { NoDerivative } from "@pullback/autodiff";
import { concatenate, type Tensor, zeros } from "@pullback/core";
import type { GemmaConfig } from "./config.ts";

/** The keys and values that a chunk of queries may look at, `[batch, keyValueHeads, key, headDim]`. */
export interface KeysAndValues {
  readonly keys: Tensor;
  readonly values: Tensor;
}

/**
 * The memory of one layer. What `append` returns suits attention whose last query sees the last key: a chunk comes
 * back in order after the keys before it, a single token with the ring as it lies, since all of it is in its window.
 */
export class LayerCache {
  /** Tokens seen so far. */
  length: NoDerivative<number> = 0;
  private keys: NoDerivative<Tensor | undefined>;
  private values: NoDerivative<Tensor | undefined>;
  private slots: NoDerivative<number> = 0;

  /**
   * @param window keys that a query sees, its own included; undefined keeps all
   * @param capacity positions to make room for at once; undefined grows as needed
   */
  constructor(
    readonly window: NoDerivative<number | undefined>,
    readonly capacity: NoDerivative<number | undefined> = undefined,
  ) {}

  /** Bytes that the buffers hold now. */
  get bytes(): NoDerivative<number> {
    const width = { float32: 4, float64: 8, float16: 2, bfloat16: 2 } as Readonly<Record<string, number>>;
    return this.keys === undefined ? 0 : 2 * this.keys.size * (width[this.keys.dtype] ?? 4);
  }

  /** Remembers the keys and values of the next tokens, and gives those that they may attend to. */
  append(keys: Tensor, values: Tensor): KeysAndValues {
    const count = keys.shape[2]!;
    const before = this.length;
    const past = this.window === undefined ? before : Math.min(before, this.window - 1);
    let seen: KeysAndValues | undefined;
    if (count > 1 && this.window !== undefined) seen = this.inOrder(past, keys, values);

    this.reserve(before + count, keys);
    const kept = Math.min(count, this.slots);
    this.keys = this.write(this.keys!, keys, before + count - kept, kept);
    this.values = this.write(this.values!, values, before + count - kept, kept);
    this.length = before + count;
    if (seen !== undefined) return seen;
    const filled = Math.min(this.length, this.slots);
    return { keys: head(this.keys, filled), values: head(this.values, filled) };
  }

  /** The last `past` positions of the ring, oldest first, then the new ones. */
  private inOrder(past: number, keys: Tensor, values: Tensor): KeysAndValues {
    if (past === 0) return { keys, values };
    const start = (this.length - past) % this.slots;
    const end = start + past;
    const parts = (ring: Tensor): Tensor[] =>
      end <= this.slots
        ? [ring.slice(undefined, undefined, [start, end])]
        : [ring.slice(undefined, undefined, [start]), ring.slice(undefined, undefined, [0, end - this.slots])];
    return {
      keys: concatenate([...parts(this.keys!), keys], 2),
      values: concatenate([...parts(this.values!), values], 2),
    };
  }

  /** Makes room for `positions`: the whole window at most, and doubling where there is none. */
  private reserve(positions: number, like: Tensor): void {
    const most = this.window ?? Infinity;
    if (this.slots >= Math.min(positions, most)) return;
    const wanted = Math.max(positions, this.capacity ?? Math.max(16, 2 * this.slots));
    const slots = Math.min(wanted, most);
    const [batch, heads, , headDim] = like.shape as readonly [number, number, number, number];
    const room = zeros([batch, heads, slots - this.slots, headDim], { dtype: like.dtype });
    // A ring that is not full yet has never wrapped, so its order stays right when it grows.
    this.keys = this.keys === undefined ? room : concatenate([this.keys, room], 2);
    this.values = this.values === undefined ? room : concatenate([this.values, room], 2);
    this.slots = slots;
  }

  /** `buffer` with the last `kept` positions of `source` from `position` on, around the ring's end where needed. */
  private write(buffer: Tensor, source: Tensor, position: number, kept: number): Tensor {
    const count = source.shape[2]!;
    const start = position % this.slots;
    const fits = Math.min(kept, this.slots - start);
    const first = source.slice(undefined, undefined, [count - kept, count - kept + fits]);
    const written = buffer.with([undefined, undefined, [start, start + fits]], first);
    if (fits === kept) return written;
    const rest = source.slice(undefined, undefined, [count - kept + fits]);
    return written.with([undefined, undefined, [0, kept - fits]], rest);
  }
}

/** The memory of a whole model for one batch of texts. */
export class KeyValueCache {
  readonly layers: NoDerivative<readonly LayerCache[]>;

  /** @param capacity positions that global layers make room for at once; undefined grows as needed */
  constructor(config: GemmaConfig, capacity?: number) {
    this.layers = config.layers.map(
      (kind) => new LayerCache(kind === "local" ? config.slidingWindow : undefined, capacity),
    );
  }

  /** Tokens seen so far. */
  get length(): NoDerivative<number> {
    return this.layers[0]!.length;
  }

  get bytes(): NoDerivative<number> {
    return this.layers.reduce((sum, layer) => sum + layer.bytes, 0);
  }
}

function head(buffer: Tensor, count: number): Tensor {
  return count === buffer.shape[2] ? buffer : buffer.slice(undefined, undefined, [0, count]);
}
