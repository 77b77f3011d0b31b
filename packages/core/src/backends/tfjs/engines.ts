/** The engines of TensorFlow.js: which packages they come in, and how they are started. */
import { BackendError } from "../../errors.ts";
import { TfjsBackend } from "./tfjs-backend.ts";
import type { Engine, Tfjs } from "./types.ts";
import { withRepairedWorkers } from "./wasm-threads.ts";

/** The engines that `useBackend("tfjs", { engine })` knows. */
export type TfjsEngine = "cpu" | "wasm" | "webgl" | "webgpu" | "node" | "node-gpu";

export interface TfjsOptions {
  /** Default: "wasm". */
  readonly engine?: TfjsEngine | undefined;
  /**
   * Where the wasm engine's binaries are: the address of their folder, or of each by its file name. Needed in browsers,
   * where a bundler gives the addresses; Node finds them in the package.
   */
  readonly wasmPaths?: string | Readonly<Record<string, string>> | undefined;
}

/** Loads a package; in tests another one. */
export type Load = (name: string) => Promise<Record<string, unknown>>;

interface Source {
  /** Packages to load, the one with the functions of tfjs-core first. */
  readonly packages: readonly string[];
  /** The engine's name inside tfjs. */
  readonly registered: string;
}

const core = "@tensorflow/tfjs-core";

const sources: Readonly<Record<TfjsEngine, Source>> = {
  cpu: { packages: [core, "@tensorflow/tfjs-backend-cpu"], registered: "cpu" },
  wasm: { packages: [core, "@tensorflow/tfjs-backend-wasm"], registered: "wasm" },
  webgl: { packages: [core, "@tensorflow/tfjs-backend-webgl"], registered: "webgl" },
  webgpu: { packages: [core, "@tensorflow/tfjs-backend-webgpu"], registered: "webgpu" },
  node: { packages: ["@tensorflow/tfjs-node"], registered: "tensorflow" },
  "node-gpu": { packages: ["@tensorflow/tfjs-node-gpu"], registered: "tensorflow" },
};

const tfjsEngines = Object.keys(sources) as TfjsEngine[];

/**
 * Bundlers see the packages that run in browsers by name; an optional peer that is absent becomes a module that throws.
 * The packages for Node are native, and none of a bundler's business.
 */
const loadPackage: Load = async (name) => {
  switch (name) {
    case core:
      return import("@tensorflow/tfjs-core");
    case "@tensorflow/tfjs-backend-cpu":
      return import("@tensorflow/tfjs-backend-cpu");
    case "@tensorflow/tfjs-backend-wasm":
      return import("@tensorflow/tfjs-backend-wasm");
    case "@tensorflow/tfjs-backend-webgl":
      return import("@tensorflow/tfjs-backend-webgl");
    case "@tensorflow/tfjs-backend-webgpu":
      return import("@tensorflow/tfjs-backend-webgpu");
    default:
      return import(/* @vite-ignore */ /* webpackIgnore: true */ name);
  }
};

/** A module's exports, where a CommonJS package puts them. */
function exportsOf(module: Record<string, unknown>): Record<string, unknown> {
  const own = module.default as Record<string, unknown> | undefined;
  return own !== undefined && module.getKernel === undefined && module.setWasmPaths === undefined ? own : module;
}

/**
 * Starts an engine. TensorFlow.js's own current engine stays what it was.
 * @throws BackendError when a package is not installed, or the engine does not start here
 */
export async function loadTfjs(
  { engine = "wasm", wasmPaths }: TfjsOptions,
  load: Load = loadPackage,
): Promise<TfjsBackend> {
  const source = sources[engine];
  if (source === undefined)
    throw new BackendError(`tfjs has no engine "${engine}"; there are ${tfjsEngines.join(", ")}.`);
  const device = `tfjs:${engine}`;
  const modules: Record<string, unknown>[] = [];
  for (const name of source.packages) {
    try {
      modules.push(exportsOf(await load(name)));
    } catch (cause) {
      throw new BackendError(`The backend ${device} needs the package ${name}: ${firstLine(cause)}`, {
        hint: `npm install ${source.packages.join(" ")}`,
        cause,
      });
    }
  }
  const tfjs = modules[0] as unknown as Tfjs;
  if (wasmPaths !== undefined)
    (modules[1] as { setWasmPaths?: (paths: unknown) => void } | undefined)?.setWasmPaths?.(wasmPaths);
  const started = engine === "wasm" ? startWasm(tfjs, device) : start(tfjs, source.registered, device);
  return new TfjsBackend(tfjs, await started, source.registered, device);
}

/** Threads where the platform has them; without them where their workers cannot be helped to start. */
async function startWasm(tfjs: Tfjs, device: string): Promise<Engine> {
  const flag = "WASM_HAS_MULTITHREAD_SUPPORT";
  if (!(await tfjs.env().getAsync(flag))) return start(tfjs, "wasm", device);
  try {
    return await withRepairedWorkers(() => start(tfjs, "wasm", device));
  } catch (error) {
    tfjs.env().set(flag, false);
    return start(tfjs, "wasm", device).catch(() => Promise.reject(error));
  }
}

async function start(tfjs: Tfjs, registered: string, device: string): Promise<Engine> {
  const before = tfjs.engine().backendName;
  let reason: unknown;
  let started = false;
  try {
    started = await tfjs.setBackend(registered);
  } catch (error) {
    reason = error;
  }
  const engine = started ? tfjs.findBackend(registered) : null;
  if (before != null && before !== registered) await tfjs.setBackend(before);
  if (engine === null)
    throw new BackendError(`The backend ${device} does not start here${reason ? `: ${firstLine(reason)}` : "."}`, {
      hint: hints[registered] ?? "See what TensorFlow.js wrote to the console, or use another engine.",
      cause: reason,
    });
  // The cpu engine greets in Node by recommending another package.
  if (engine.firstUse === true) engine.firstUse = false;
  return engine;
}

const hints: Readonly<Record<string, string>> = {
  webgl: 'This platform offers no WebGL; use { engine: "wasm" }.',
  webgpu: 'This platform offers no WebGPU adapter; use { engine: "webgl" } or { engine: "wasm" }.',
  wasm: 'In a browser say where the binaries are: { engine: "wasm", wasmPaths: … }.',
};

const firstLine = (error: unknown): string => String((error as Error)?.message ?? error).split("\n")[0];
