/** Which operations a backend does in which dtypes, found out by running the cases: what docs/backends.md shows. */
import { backendNamed, withBackend } from "../backend/index.ts";
import { HostedBackend } from "../backends/hosted/index.ts";
import { type DType, isFloating } from "../dtype.ts";
import type { Tensor } from "../index.ts";
import { tensor } from "../index.ts";
import { type Area, type Case, decode } from "./cases.ts";
import { at, operationOf, runCheck, valuesCheck } from "./checks.ts";

/** Done in kernels, done in part by way of the host, refused, or done wrong. */
export type Capability = "kernels" | "host" | "refused" | "wrong";

const tolerances: Partial<Record<DType, number>> = { float64: 1e-9, float32: 1e-5, float16: 2e-2, bfloat16: 5e-2 };

/** The elements of each output of a case whose float32 tensors are of another dtype. */
async function outputsOf(c: Case, area: Area, dtype: DType, device: string): Promise<ArrayLike<number>[]> {
  const make = (data: Float32Array, options: { shape: number[]; dtype?: DType | undefined }): Tensor => {
    const given = tensor(data, { ...options, device: "eager" });
    return (given.dtype === "float32" ? given.cast(dtype) : given).to(device);
  };
  const operation = operationOf(c)!;
  const args = c.args.map((arg) => decode(arg, area, new Map(), make));
  const result = c.call === "method" ? operation.apply(args[0], args.slice(1)) : operation(...args);
  return Promise.all(
    c.outputs.map(({ path }) => {
      const output = at(result, path);
      return (isFloating(output.dtype) ? output.to("eager").cast("float64") : output).data();
    }),
  );
}

function agree(got: readonly ArrayLike<number>[], want: readonly ArrayLike<number>[], tolerance: number): boolean {
  return got.every((elements, i) =>
    Array.from(elements).every((x, j) => {
      const y = want[i]![j]!;
      return Object.is(x, y) || x === y || Math.abs(x - y) <= tolerance * (1 + Math.abs(y));
    }),
  );
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
      const got = await outputsOf(c, area, dtype, device);
      const want = device === "eager" ? got : await withBackend("eager", () => outputsOf(c, area, dtype, "eager"));
      if (!agree(got, want, tolerances[dtype] ?? 1e-5)) return "wrong";
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
 * against the reference results, other dtypes against the eager backend, where it is enough that they are taken.
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
