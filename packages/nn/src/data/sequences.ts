/** Sequences of unequal lengths: padding them into one tensor, and packing them into full windows. */
import { type Tensor, tensor } from "@pullback/core";
import { DataError } from "../errors.ts";

export interface PaddedOptions {
  /** What fills up; default 0. */
  readonly value?: number;
  /** Where it stands; default "after". */
  readonly side?: "before" | "after";
  /** The batch's length is a multiple of this; default 1. */
  readonly multipleOf?: number;
}

/** Sequences in one tensor. */
export interface Padded {
  /** int32 `[batch, length]`. */
  readonly tokens: Tensor;
  /** bool `[batch, length]`: where there are tokens and no padding. */
  readonly mask: Tensor;
}

/** A `collate` for token sequences of unequal lengths: they are padded to the longest. */
export function padded(options: PaddedOptions = {}): (sequences: readonly ArrayLike<number>[]) => Padded {
  const { value = 0, side = "after", multipleOf = 1 } = options;
  return (sequences) => {
    const longest = sequences.reduce((most, sequence) => Math.max(most, sequence.length), 1);
    const length = Math.ceil(longest / multipleOf) * multipleOf;
    const tokens = new Int32Array(sequences.length * length).fill(value);
    const mask = new Array<boolean>(tokens.length).fill(false);
    for (const [row, sequence] of sequences.entries()) {
      const start = row * length + (side === "after" ? 0 : length - sequence.length);
      tokens.set(Array.from(sequence), start);
      mask.fill(true, start, start + sequence.length);
    }
    const shape = [sequences.length, length];
    return { tokens: tensor(tokens, { shape }), mask: tensor(mask).reshape(shape) };
  };
}

/** One window of several sequences. */
export interface Packed {
  readonly tokens: Int32Array;
  /** Which sequence of the window a token belongs to, from 1; 0 is padding. */
  readonly segments: Int32Array;
  /** Where it stands in its sequence. */
  readonly positions: Int32Array;
}

/**
 * Puts sequences into as few windows of `length` tokens as first-fit on decreasing lengths finds. Sequences longer than a
 * window are cut into several. Tokens attend within their segment: `segments` compared with itself is the mask.
 */
export function pack(
  sequences: readonly ArrayLike<number>[],
  { length, padding = 0 }: { readonly length: number; readonly padding?: number },
): Packed[] {
  if (!Number.isInteger(length) || length < 1) {
    throw new DataError(`the window's length is ${length}`, { code: "PB7201", hint: "Give a whole number from 1." });
  }
  const pieces = sequences.flatMap((sequence) =>
    Array.from({ length: Math.ceil(sequence.length / length) }, (_, i) =>
      Array.from(sequence).slice(i * length, (i + 1) * length),
    ),
  );
  pieces.sort((a, b) => b.length - a.length);
  const windows: { pieces: number[][]; room: number }[] = [];
  for (const piece of pieces) {
    let place = windows.find(({ room }) => room >= piece.length);
    if (place === undefined) {
      place = { pieces: [], room: length };
      windows.push(place);
    }
    place.pieces.push(piece);
    place.room -= piece.length;
  }
  return windows.map((window) => {
    const tokens = new Int32Array(length).fill(padding);
    const [segments, positions] = [new Int32Array(length), new Int32Array(length)];
    let at = 0;
    for (const [i, piece] of window.pieces.entries()) {
      tokens.set(piece, at);
      segments.fill(i + 1, at, at + piece.length);
      for (let j = 0; j < piece.length; j++) positions[at + j] = j;
      at += piece.length;
    }
    return { tokens, segments, positions };
  });
}
