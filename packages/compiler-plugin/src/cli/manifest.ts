/** `pullback.json`: what a compiled package carries, so that a compiler can differentiate through it without its source. */
import { relative } from "node:path";
import type { Plan } from "../compile/index.ts";
import {
  abiVersion,
  type CompilerProgram,
  type DifferentiableDeclaration,
  type Manifest,
  type PublishedMode,
  publishedModes,
} from "../frontend/index.ts";
import { applicationKey, dualKey, fullMaskOf } from "../hir/index.ts";

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
        masks: [...new Set(variants.map(({ mask }) => mask))],
        modes: publishedModes.filter((mode) =>
          mode === "reverse"
            ? variants.some((each) => each.mode === mode && plan.complete(each.key, each.mask, mode))
            : isPublished(program, plan, declaration, mode),
        ),
      })),
  );
  const registrations = sources.flatMap((file) =>
    program.registrations(file).map(({ declared, forward, reverse }) => ({
      module: moduleOf(declared.file),
      name: declared.name,
      from: moduleOf(file),
      modes: [
        ...(reverse === false ? [] : (["reverse"] as const)),
        ...(forward === false ? [] : (["forward"] as const)),
      ],
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

/** Whether a function can be differentiated so with respect to every parameter, with all that it calls. */
function isPublished(
  program: CompilerProgram,
  plan: Plan,
  { key: of, fullMask: mask }: DifferentiableDeclaration,
  mode: Exclude<PublishedMode, "reverse">,
): boolean {
  if (mode === "forward") return plan.complete(of, mask, mode);
  const made = mode === "dual" ? dualKey({ of, mask }) : applicationKey({ operator: "gradient", of, wrt: "" });
  if (plan.variantsOf(made).length === 0) return false;
  const full = fullMaskOf(program.lower(made));
  return plan.complete(made, full, "reverse") && plan.complete(made, full, "forward");
}
