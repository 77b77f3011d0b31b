/** Which backends exist and which one new tensors go to. */
import { eagerBackend } from "../backends/eager/index.ts";
import { BackendError } from "../errors.ts";
import type { Backend, MemoryStats } from "./backend.ts";

const backends: ReadonlyMap<string, Backend> = new Map([[eagerBackend.name, eagerBackend]]);

let current: Backend = eagerBackend;

function find(name: string): Backend {
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
  current = find(name);
}

/** Runs `f` with new tensors going to the backend `name`, then goes back to the previous one. */
export async function withBackend<R>(name: string, f: () => R | Promise<R>): Promise<R> {
  const previous = current;
  current = find(name);
  try {
    return await f();
  } finally {
    current = previous;
  }
}

/** Closes the backend `name`: new tensors go to the default again. The embedded eager backend holds nothing to close. */
export async function closeBackend(name: string): Promise<void> {
  find(name);
  current = eagerBackend;
}

/** Bytes of live tensors, their peak, the arena's size and the number of spills of a backend (default: the current). */
export function memoryStats(name?: string): MemoryStats {
  return (name === undefined ? current : find(name)).memoryStats();
}
