/** Which backends exist and which one new tensors go to. */
import { eagerBackend } from "../backends/eager/index.ts";
import { lazyBackend } from "../backends/lazy/index.ts";
import { BackendError } from "../errors.ts";
import type { Backend, MemoryStats, NDArray } from "./backend.ts";

const backends: ReadonlyMap<string, Backend> = new Map(
  [eagerBackend, lazyBackend].map((backend) => [backend.name, backend]),
);

let current: Backend = eagerBackend;

/** Throws BackendError when there is no such backend. */
export function backendNamed(name: string): Backend {
  const backend = backends.get(name);
  if (backend === undefined)
    throw new BackendError(`There is no backend "${name}"; available: ${availableBackends().join(", ")}.`);
  return backend;
}

/** The backend on which new tensors are made. */
export function currentBackend(): Backend {
  return current;
}

/** Names of the backends that can be used here. */
export function availableBackends(): string[] {
  return [...backends.keys()];
}

/**
 * Sends new tensors to the backend `name`; tensors that exist stay where they are.
 * @throws BackendError when there is no such backend.
 */
export async function useBackend(name: string): Promise<void> {
  current = backendNamed(name);
}

/** Runs `f` with new tensors going to the backend `name`, then goes back to the previous one. */
export async function withBackend<R>(name: string, f: () => R | Promise<R>): Promise<R> {
  const previous = current;
  current = backendNamed(name);
  try {
    return await f();
  } finally {
    current = previous;
  }
}

/**
 * Closes the backend `name`: what it has recorded is run, its caches go, and where it was the current one, new tensors
 * go to the default again.
 */
export async function closeBackend(name: string): Promise<void> {
  const backend = backendNamed(name);
  backend.close?.();
  if (current === backend) current = eagerBackend;
}

/** An array of one backend on another: the same memory where they share it, else a copy by way of the host. */
export function moveArray(x: NDArray, from: Backend, to: Backend): NDArray {
  if (to.takes?.(from)) return x;
  return from.give?.(x, to) ?? to.fromHost(from.readSync(x), x.dtype, x.shape.slice());
}

/** Bytes of live tensors, their peak, the arena's size and the number of spills of a backend (default: the current). */
export function memoryStats(name?: string): MemoryStats {
  return (name === undefined ? current : backendNamed(name)).memoryStats();
}
