/** Token ids as tensors, checked. */
import type { NoDerivative } from "@pullback/autodiff";
import { DTypeError, IndexError, ShapeError, Tensor, tensor } from "@pullback/core";

/** Token ids, `[batch, sequence]`: rows of equal length, or an int32 tensor. */
export type Tokens = NoDerivative<readonly (readonly number[])[] | Tensor>;

/**
 * `tokens` as an int32 tensor `[batch, sequence]`.
 *
 * @param ignored an id that is allowed besides those of the vocabulary
 * @throws ShapeError for rows of unequal length or another rank, DTypeError for tensors of another dtype, IndexError
 *   for ids outside the vocabulary
 */
export function tokenTensor(tokens: Tokens, vocabularySize: number, ignored?: number): Tensor {
  const ids = tokens instanceof Tensor ? tokens : fromRows(tokens);
  if (ids.dtype !== "int32") {
    throw new DTypeError(`tokens are ${ids.dtype}`, { hint: `Token ids are int32: tokens.cast("int32").` });
  }
  if (ids.rank !== 2) {
    throw new ShapeError(`tokens have the shape [${ids.shape}]`, { hint: "Give them as [batch, sequence]." });
  }
  const data = ids.dataSync();
  for (let i = 0; i < data.length; i++) {
    const id = data[i]!;
    if ((id >= 0 && id < vocabularySize) || id === ignored) continue;
    const row = Math.floor(i / ids.shape[1]!);
    throw new IndexError(
      `token ${id} at [${row}, ${i % ids.shape[1]!}] is outside the vocabulary of ${vocabularySize}`,
      {
        hint: "Encode the text with this model's own tokenizer.",
      },
    );
  }
  return ids;
}

function fromRows(rows: readonly (readonly number[])[]): Tensor {
  const length = rows[0]?.length ?? 0;
  const odd = rows.findIndex((row) => row.length !== length);
  if (odd >= 0 || length === 0) {
    throw new ShapeError(
      length === 0 ? "there are no tokens" : `row 0 has ${length} tokens and row ${odd} has ${rows[odd]!.length}`,
      { hint: "Give at least one token, and rows of equal length." },
    );
  }
  const flat = rows.flat();
  const odd2 = flat.find((id) => !Number.isSafeInteger(id));
  if (odd2 !== undefined) throw new IndexError(`${odd2} is no token id`, { hint: "Token ids are integers." });
  return tensor(Int32Array.from(flat), { shape: [rows.length, length] });
}
