/** `pullback.json`: what a compiled package carries, so that a compiler can differentiate through it without its source. */
import { relative } from "node:path";
import type { Plan } from "../compile/index.ts";
import { abiVersion, type CompilerProgram, type Manifest } from "../frontend/index.ts";

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
    program.registrations(file).map(({ declared }) => ({
      module: moduleOf(declared.file),
      name: declared.name,
      from: moduleOf(file),
    })),
  );
  const classes = sources.flatMap((file) =>
    program
      .structs(file)
      .flatMap(({ className, stores }) =>
        stores === undefined ? [] : [{ module: moduleOf(file), name: className, stores }],
      ),
  );
  return { abi: abiVersion, derivatives, registrations, classes };
}
