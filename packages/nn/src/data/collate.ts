/** From samples to a batch: the same structure, with a leading batch axis on every tensor. */
import { ShapeError, stack, Tensor, tensor } from "@pullback/core";
import { DataError } from "../errors.ts";

/** What `collate` makes of a sample: numbers, booleans and typed arrays become tensors; text becomes a list. */
export type Collated<Sample> = Sample extends Tensor | number | boolean | ArrayBufferView
  ? Tensor
  : Sample extends string
    ? string[]
    : Sample extends readonly unknown[] | object
      ? { -readonly [K in keyof Sample]: Collated<Sample[K]> }
      : Sample[];

/**
 * Stacks samples along a new first axis. Tensors and typed arrays (of one shape) and numbers and booleans become
 * tensors; objects and tuples are collated field by field; anything else becomes a list.
 *
 * @throws DataError PB7203 when the samples differ in shape or structure, naming the first that does
 */
export function collate<Sample>(samples: readonly Sample[]): Collated<Sample> {
  if (samples.length === 0) throw new DataError("there are no samples to collate", { code: "PB7201" });
  return collateAt(samples, "") as Collated<Sample>;
}

function collateAt(samples: readonly unknown[], path: string): unknown {
  const [first] = samples;
  const odd = samples.findIndex((sample) => kindOf(sample) !== kindOf(first));
  if (odd >= 0) throw differs(samples, odd, path, `${kindOf(samples[odd])} instead of ${kindOf(first)}`);
  switch (kindOf(first)) {
    case "number":
    case "boolean":
      return tensor(samples as number[] | boolean[]);
    case "tensor":
      return stackOf(samples as readonly Tensor[], path);
    case "typed array":
      return stackOf(
        samples.map((sample) => tensor(sample as Float32Array)),
        path,
      );
    case "tuple": {
      const rows = samples as readonly (readonly unknown[])[];
      const uneven = rows.findIndex((row) => row.length !== rows[0].length);
      if (uneven >= 0)
        throw differs(samples, uneven, path, `${rows[uneven].length} elements instead of ${rows[0].length}`);
      return rows[0].map((_, i) =>
        collateAt(
          rows.map((row) => row[i]),
          join(path, String(i)),
        ),
      );
    }
    case "object": {
      const objects = samples as readonly Record<string, unknown>[];
      return Object.fromEntries(
        Object.keys(objects[0]).map((key) => [
          key,
          collateAt(
            objects.map((object) => object[key]),
            join(path, key),
          ),
        ]),
      );
    }
    default:
      return samples;
  }
}

function kindOf(sample: unknown): string {
  if (sample instanceof Tensor) return "tensor";
  if (ArrayBuffer.isView(sample)) return "typed array";
  if (Array.isArray(sample)) return "tuple";
  return sample === null ? "null" : typeof sample;
}

function stackOf(tensors: readonly Tensor[], path: string): Tensor {
  try {
    return stack([...tensors]);
  } catch (cause) {
    if (!(cause instanceof ShapeError)) throw cause;
    const { shape } = tensors[0];
    const odd = tensors.findIndex((x) => x.shape.join() !== shape.join());
    throw differs(tensors, odd, path, `shape [${tensors[odd].shape}] instead of [${shape}]`);
  }
}

const join = (path: string, key: string): string => (path === "" ? key : `${path}.${key}`);

function differs(samples: readonly unknown[], index: number, path: string, what: string): DataError {
  const where = path === "" ? "" : ` at "${path}"`;
  return new DataError(`sample ${index} of a batch of ${samples.length} has ${what}${where}`, {
    code: "PB7203",
    offset: index,
    hint: "Pad or cut the samples to one shape, or give DataLoader a `collate` that does.",
  });
}
