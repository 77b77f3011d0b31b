/** `pullback.json`: what a compiled package carries, so that a compiler can differentiate through it without its source. */
import { relative } from "node:path";
import { conductOf, ruleMask } from "../ad/index.ts";
import type { Plan } from "../compile/index.ts";
import {
  abiVersion,
  type CompilerProgram,
  type Manifest,
  type PublishedMode,
  publishedModes,
} from "../frontend/index.ts";
import { dualKey, fullMaskOf } from "../hir/index.ts";

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
            : mode === "forward"
              ? plan.complete(declaration.key, declaration.fullMask, mode)
              : isPublished(program, plan, declaration.key, declaration.fullMask, mode === "second" ? 1 : 2),
        ),
        conduct: conductOf(program, declaration.key),
      })),
  );
  const registrations = sources.flatMap((file) =>
    program.registrations(file).map(({ declared, forward, reverse, jvp, positions, receiver, effects, retains }) => {
      const again = (order: number) => jvp !== undefined && isRulePublished(program, plan, jvp.key, positions, order);
      const has: Record<PublishedMode, boolean> = { reverse, forward, second: again(1), third: again(2) };
      return {
        ...(declared.elsewhere ?? { module: moduleOf(declared.file) }),
        name: declared.name,
        from: moduleOf(file),
        modes: publishedModes.filter((mode) => has[mode]),
        ...{ wrt: positions, receiver, effects, retains },
      };
    }),
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

/** Whether the forward-mode code of a function, or of that again, can be differentiated in both modes, with all that it calls. */
function isPublished(program: CompilerProgram, plan: Plan, of: string, mask: string, times: number): boolean {
  if (times === 0) return plan.complete(of, mask, "reverse") && plan.complete(of, mask, "forward");
  const key = dualKey({ of, mask });
  if (plan.variantsOf(key).length === 0) return false;
  return isPublished(program, plan, key, fullMaskOf(program.lower(key)), times - 1);
}

/** Whether a registered `jvp` can be differentiated in both modes: its first derivatives are the target's second. */
function isRulePublished(
  program: CompilerProgram,
  plan: Plan,
  key: string,
  positions: readonly number[],
  order: number,
): boolean {
  if (plan.variantsOf(key).length === 0) return false;
  return isPublished(program, plan, key, ruleMask(program.lower(key), positions), order - 1);
}
