/** Text for language models: one long sequence of tokens, seen through windows. */
import { DataError } from "../errors.ts";
import type { Dataset } from "./dataset.ts";

export interface TokenWindowsOptions {
  /** Tokens per window. */
  readonly sequenceLength: number;
  /** From one window's start to the next one's; default `sequenceLength`, so that windows do not overlap. */
  readonly stride?: number;
}

/**
 * Windows of `sequenceLength` tokens, each an Int32Array; `DataLoader` collates them to an int32 tensor `[batch,
 * sequence]`. The last tokens that fill no window are left out.
 *
 * @throws DataError PB7201 when the tokens do not fill one window, or a length is no whole number from 1
 */
export class TokenWindows implements Dataset<Int32Array> {
  readonly length: number;
  readonly #tokens: Int32Array;
  readonly #sequenceLength: number;
  readonly #stride: number;

  constructor(tokens: ArrayLike<number>, { sequenceLength, stride = sequenceLength }: TokenWindowsOptions) {
    for (const [name, value] of Object.entries({ sequenceLength, stride })) {
      if (Number.isInteger(value) && value > 0) continue;
      throw new DataError(`${name} is ${value}`, { code: "PB7201", hint: "Give a whole number from 1." });
    }
    if (tokens.length < sequenceLength) {
      throw new DataError(`${tokens.length} tokens do not fill one window of ${sequenceLength}`, {
        code: "PB7201",
        hint: "Use more text or a shorter sequence.",
      });
    }
    this.#tokens = Int32Array.from(tokens);
    this.#sequenceLength = sequenceLength;
    this.#stride = stride;
    this.length = Math.floor((tokens.length - sequenceLength) / stride) + 1;
  }

  at(index: number): Int32Array {
    if (!Number.isInteger(index) || index < 0 || index >= this.length) {
      throw new DataError(`there is no window ${index} of ${this.length}`, { code: "PB7202", offset: index });
    }
    const start = index * this.#stride;
    return this.#tokens.slice(start, start + this.#sequenceLength);
  }
}
