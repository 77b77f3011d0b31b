/** Which operations a backend does in which dtypes, found out by running the cases: what docs/backends.md shows. */
import { backendNamed, withBackend } from "../backend/index.ts";
import { HostedBackend } from "../backends/hosted/index.ts";
import { type DType, isFloating } from "../dtype.ts";
import type { Tensor } from "../index.ts";
import { tensor } from "../index.ts";
import { type Area, type Case, decode, type Make } from "./cases.ts";
import { at, operationOf, runCheck, valuesCheck } from "./checks.ts";

/** Done in kernels, done in part by way of the host, refused, or done wrong. */
export type Capability = "kernels" | "host" | "refused" | "wrong";

/**
 * What results may be off by, of 1 + their size: float64 against references that are rounded to float32; the others, which
 * are computed in float32 and rounded once or at each of a few steps, by a few units in the last place.
 */
const tolerances: Partial<Record<DType, number>> = {
  float64: 2 ** -23,
  float32: 1e-5,
  float16: 2 ** -9,
  bfloat16: 2 ** -6,
};

interface Output {
  readonly dtype: DType;
  readonly elements: ArrayLike<number>;
}

/** The outputs of a case whose float32 tensors have been made by `make`. */
async function outputsOf(c: Case, area: Area, device: string, make: (x: Tensor) => Tensor): Promise<Output[]> {
  const made: Make = (data, options) => {
    const given = tensor(data, { ...options, device: "eager" });
    return (given.dtype === "float32" ? make(given) : given).to(device);
  };
  const operation = operationOf(c)!;
  const args = c.args.map((arg) => decode(arg, area, new Map(), made));
  const result = c.call === "method" ? operation.apply(args[0], args.slice(1)) : operation(...args);
  return Promise.all(
    c.outputs.map(async ({ path }) => {
      const output = at(result, path);
      const wide = isFloating(output.dtype) ? output.to("eager").cast("float64") : output;
      return { dtype: output.dtype, elements: await wide.data() };
    }),
  );
}

/** From beyond these on a number is rounded to infinity: half a unit above the largest finite one. */
const largest: Partial<Record<DType, number>> = {
  float64: Number.MAX_VALUE,
  float32: (2 - 2 ** -24) * 2 ** 127,
  bfloat16: (2 - 2 ** -8) * 2 ** 127,
  float16: (2 - 2 ** -11) * 2 ** 15,
};

/** A number as elements of a dtype hold it; integers wrap, and keep 0 for what is no number. */
function asHeld(x: number, dtype: DType): number {
  if (isFloating(dtype)) return Math.abs(x) > largest[dtype]! ? Math.sign(x) * Number.POSITIVE_INFINITY : x;
  if (dtype === "bool") return +(x !== 0);
  const whole = Number.isFinite(x) ? Math.trunc(x) : 0;
  return dtype === "uint8" ? whole & 255 : whole | 0;
}

/** Whether results agree with those in float64, which integers must equal. */
function agree(got: readonly Output[], want: readonly Output[]): boolean {
  return got.every(({ dtype, elements }, i) =>
    Array.from(elements).every((x, j) => {
      const y = asHeld(want[i]!.elements[j]!, dtype);
      return Object.is(x, y) || x === y || Math.abs(x - y) <= (tolerances[dtype] ?? 0) * (1 + Math.abs(y));
    }),
  );
}

/**
 * The references of a dtype: PyTorch's for float32 and float64; for the others the eager backend's in float64, from the
 * numbers that the dtype holds. Those are the values of plain loops, which the references of float64 vouch for.
 */
async function referencesOf(c: Case, area: Area, dtype: DType): Promise<Output[]> {
  if (dtype === "float64") return c.outputs.map(({ ref }) => ({ dtype, elements: area.data.get(ref)!.data }));
  return withBackend("eager", () => outputsOf(c, area, "eager", (x) => x.cast(dtype).cast("float64")));
}

async function capabilityOf(c: Case, area: Area, dtype: DType, device: string): Promise<Capability> {
  const backend = backendNamed(device);
  let viaHost = false;
  if (backend instanceof HostedBackend)
    backend.onHost = () => {
      viaHost = true;
    };
  try {
    if (dtype === "float32") await runCheck(valuesCheck(c, area));
    else {
      const got = await outputsOf(c, area, device, (x) => x.cast(dtype));
      if (!agree(got, await referencesOf(c, area, dtype))) return "wrong";
    }
    return viaHost ? "host" : "kernels";
  } catch (error) {
    // Data that an operation cannot take in this dtype says nothing about the dtype.
    return (error as { code?: string }).code === "PB6102" ? "refused" : "wrong";
  } finally {
    if (backend instanceof HostedBackend) backend.onHost = undefined;
  }
}

/** What two cases say of their operation: the worse, but a refusal may be due to another dtype in the one case. */
function together(a: Capability, b: Capability): Capability {
  if (a === "wrong" || b === "wrong") return "wrong";
  if (a === "refused") return b;
  if (b === "refused") return a;
  return a === "host" ? a : b;
}

/**
 * For each operation what a backend (started before) does with its float32 arguments in the given dtype: float32
 * and float64 against PyTorch's results, other dtypes against those in float64 from the same numbers.
 */
export async function capabilities(
  areas: readonly Area[],
  device: string,
  dtype: DType,
): Promise<Map<string, Capability>> {
  const found = new Map<string, Capability>();
  await withBackend(device, async () => {
    for (const area of areas)
      for (const c of area.cases) {
        if (operationOf(c) === undefined) continue;
        const own = await capabilityOf(c, area, dtype, device);
        const before = found.get(c.op);
        found.set(c.op, before === undefined ? own : together(own, before));
      }
  });
  return found;
}
