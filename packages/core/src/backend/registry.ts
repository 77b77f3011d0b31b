/** Which backends exist and which one new tensors go to. */
import { eagerBackend } from "../backends/eager/index.ts";
import { lazyBackend } from "../backends/lazy/index.ts";
import type { TfjsEngine, TfjsOptions } from "../backends/tfjs/index.ts";
import { BackendError, DTypeError } from "../errors.ts";
import type { Backend, MemoryStats, NDArray } from "./backend.ts";

const backends = new Map<string, Backend>([eagerBackend, lazyBackend].map((backend) => [backend.name, backend]));

/** What to start a backend with. */
export type BackendOptions = TfjsOptions;

let current: Backend = eagerBackend;

/** Throws BackendError when there is no such backend. */
export function backendNamed(name: string): Backend {
  const backend = backends.get(name);
  if (backend === undefined) {
    const engine = engineOf(name);
    throw new BackendError(`There is no backend "${name}"; available: ${availableBackends().join(", ")}.`, {
      ...(engine === undefined ? {} : { hint: `Start it first: await useBackend("tfjs", { engine: "${engine}" }).` }),
    });
  }
  return backend;
}

/** The engine in "tfjs:engine". */
function engineOf(name: string): string | undefined {
  return /^tfjs:(.+)$/.exec(name)?.[1];
}

/** The backend of a name, started if it must be: "tfjs" with options, or "tfjs:wasm" as tensors call their device. */
async function started(name: string, options: BackendOptions | undefined): Promise<Backend> {
  if (name !== "tfjs" && engineOf(name) === undefined) return backendNamed(name);
  const engine = (engineOf(name) ?? options?.engine ?? "wasm") as TfjsEngine;
  const known = backends.get(`tfjs:${engine}`);
  if (known !== undefined) return known;
  const { loadTfjs } = await import("../backends/tfjs/index.ts");
  const backend = await loadTfjs({ ...options, engine });
  // Another call may have started it meanwhile.
  return backends.get(backend.name) ?? registered(backend);
}

function registered(backend: Backend): Backend {
  backends.set(backend.name, backend);
  return backend;
}

/**
 * Makes a backend of one's own known by its name; docs/own-backend.md shows how to write one.
 * @throws BackendError when the name is taken.
 */
export function registerBackend(backend: Backend): void {
  if (backends.has(backend.name) || backend.name === "tfjs")
    throw new BackendError(`There is a backend "${backend.name}" already; give this one another name.`);
  registered(backend);
}

/** The backend on which new tensors are made. */
export function currentBackend(): Backend {
  return current;
}

/** Names of the backends that are ready here; engines of tfjs are once they have been started. */
export function availableBackends(): string[] {
  return [...backends.keys()];
}

/**
 * Sends new tensors to the backend `name`; tensors that exist stay where they are. `useBackend("tfjs", { engine })`
 * starts an engine of TensorFlow.js, whose tensors have the device "tfjs:engine".
 * @throws BackendError when there is no such backend, or it does not start: the current one stays.
 */
export async function useBackend(name: string, options?: BackendOptions): Promise<void> {
  current = await started(name, options);
}

/** Runs `f` with new tensors going to the backend `name`, then goes back to the previous one. */
export async function withBackend<R>(name: string, f: () => R | Promise<R>, options?: BackendOptions): Promise<R> {
  const backend = await started(name, options);
  const previous = current;
  current = backend;
  try {
    return await f();
  } finally {
    current = previous;
  }
}

/**
 * Closes the backend `name`: what it has recorded is run, its workers and caches go, and where it was the current one,
 * new tensors go to the default again. Its tensors stay as they are: nothing is lost by closing.
 */
export async function closeBackend(name: string): Promise<void> {
  const backend = backendNamed(name);
  backend.close?.();
  if (current === backend) current = eagerBackend;
}

/**
 * An array of one backend on another: the same memory where they share it, else a copy by way of the host.
 * @throws DTypeError when the other one does not hold the dtype
 */
export function moveArray(x: NDArray, from: Backend, to: Backend): NDArray {
  if (to.takes?.(from)) return x;
  if (to.dtypes?.has(x.dtype) === false)
    throw new DTypeError(`to: ${to.name} holds ${[...to.dtypes].join(", ")}, not ${x.dtype}.`, {
      hint: 'Cast before moving: x.cast("float32").to(device).',
    });
  return from.give?.(x, to) ?? to.fromHost(from.readSync(x), x.dtype, x.shape.slice());
}

/** Bytes of live tensors, their peak, the arena's size and the number of spills of a backend (default: the current). */
export function memoryStats(name?: string): MemoryStats {
  return (name === undefined ? current : backendNamed(name)).memoryStats();
}
