/**
 * The garbage collector, asked rather than awaited. In a synchronous loop finalizers never run, and a WeakRef that was
 * just made keeps its target until the job ends; but in Node a microtask checkpoint (here that of an empty context of
 * its own) ends the keeping, and after a collection `deref` says at once who is dead. Elsewhere there is no such way.
 */

interface BuiltinModules {
  getBuiltinModule?(name: "node:vm"): {
    runInNewContext(code: string): unknown;
    createContext(sandbox: object, options: { microtaskMode: "afterEvaluate" }): object;
    Script: new (code: string) => { runInContext(context: object): unknown };
  };
  getBuiltinModule?(name: "node:v8"): { setFlagsFromString(flags: string): void };
}

export interface Collector {
  /** Lets go of what WeakRefs made or read in this job keep alive. */
  release(): void;
  /** A full collection, now. */
  collect(): void;
}

/** The collector of this platform, or undefined where it takes no requests. */
export function findCollector(): Collector | undefined {
  const modules = (globalThis as { process?: BuiltinModules }).process;
  const vm = modules?.getBuiltinModule?.("node:vm");
  const v8 = modules?.getBuiltinModule?.("node:v8");
  if (vm === undefined || v8 === undefined) return undefined;
  v8.setFlagsFromString("--expose-gc");
  const collect = vm.runInNewContext("gc") as Collector["collect"] | undefined;
  if (typeof collect !== "function") return undefined;
  const nothing = new vm.Script("0");
  const context = vm.createContext({}, { microtaskMode: "afterEvaluate" });
  return { release: () => void nothing.runInContext(context), collect: () => collect() };
}
