/** `pullback.json`: what a compiled package carries, so that a compiler can differentiate through it without its source. */
import { relative } from "node:path";
import type { Plan } from "../compile/index.ts";
import type { CompilerProgram } from "../frontend/index.ts";

/** Version of the binary interface between compiled code, libraries and the runtime. */
const abiVersion = 1;

export interface Manifest {
  readonly abi: number;
  /** Functions with derivatives, by the module they are declared in and their name there (`f`, `Class.method`). */
  readonly derivatives: readonly {
    readonly module: string;
    readonly name: string;
    readonly kinds: string;
    readonly masks: readonly string[];
  }[];
  /** Targets of registerDerivative, by the module that registers them. */
  readonly registrations: readonly { readonly module: string; readonly target: string }[];
}

export function manifestOf(
  program: CompilerProgram,
  plan: Plan,
  sources: readonly string[],
  rootDir: string,
): Manifest {
  const moduleOf = (file: string) => relative(rootDir, file).replaceAll("\\", "/").replace(/ts$/, "js");
  const derivatives = sources.flatMap((file) =>
    (plan.files.get(file)?.declarations ?? [])
      .filter(({ declaration }) => !declaration.nested)
      .map(({ declaration, variants }) => ({
        module: moduleOf(file),
        name: declaration.key.slice(declaration.key.indexOf("#") + 1),
        kinds: variants[0].derived.kinds,
        masks: variants.map(({ mask }) => mask),
      })),
  );
  const registrations = sources.flatMap((file) =>
    program.registrations(file).map(({ target }) => ({ module: moduleOf(file), target })),
  );
  return { abi: abiVersion, derivatives, registrations };
}
