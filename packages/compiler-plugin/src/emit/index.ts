/** HIR to TypeScript text: the derivative as one would write it by hand. */
import type { DerivedCode, DerivedFunction, ForwardFunction, Mode } from "../ad/index.ts";
import { dualOf, type HirFunction, passed, type Region, type Span, settledKey } from "../hir/index.ts";
import { borrowStacks, insertReleases, type Role, useCursors } from "../opt/index.ts";
import { LocalNames, mentioned } from "./names.ts";
import { type Line, Statements, type VariantNames } from "./statements.ts";

export type { VariantNames } from "./statements.ts";

export interface EmitOptions {
  readonly joint: boolean;
  readonly split: boolean;
  /** As properties of an object literal, arrow functions that see the scope around them. */
  readonly inline?: boolean;
  readonly names: Required<VariantNames>;
  /** Names of another derivative's functions where they are in scope; undefined: through the carrier. */
  local(key: string, mask: string, mode: Mode): VariantNames | undefined;
}

export interface EmittedDerivative {
  readonly text: string;
  readonly names: VariantNames;
  /** Sorted; `generatedOffset` counts in `text`. */
  readonly mappings: readonly { readonly generatedOffset: number; readonly span: Span }[];
}

/** Of a reverse-mode derivative the forms that are asked for, of a forward-mode one its only form. */
export function emitDerivative(derived: DerivedFunction | ForwardFunction, options: EmitOptions): EmittedDerivative {
  const { names } = options;
  const functions: [name: string, fn: HirFunction, role?: Role][] = [];
  if ("jvp" in derived) functions.push([names.jvp, derived.jvp]);
  else {
    if (options.split)
      functions.push([names.forward, derived.forward, "forward"], [names.backward, derived.backward, "backward"]);
    if (options.joint) functions.push([names.joint, derived.joint, "joint"]);
  }
  let text = "";
  const mappings: { generatedOffset: number; span: Span }[] = [];
  functions.forEach(([name, made, role], i) => {
    const counted = role === undefined ? made : passed("releases", insertReleases(made, role));
    const fn = passed("stacks", useCursors(borrowStacks(counted)));
    if (i > 0) text += options.inline === true ? ",\n" : "\n\n";
    for (const [j, line] of printLines(name, fn, derived, options).entries()) {
      if (j > 0) text += "\n";
      text += "  ".repeat(line.indent);
      if (line.span !== undefined) mappings.push({ generatedOffset: text.length, span: line.span });
      text += line.text;
    }
  });
  return {
    text,
    names:
      "jvp" in derived
        ? { jvp: names.jvp }
        : {
            ...(options.joint ? { joint: names.joint } : {}),
            ...(options.split ? { forward: names.forward, backward: names.backward } : {}),
          },
    mappings,
  };
}

function printLines(name: string, fn: HirFunction, derived: DerivedCode, options: EmitOptions): Line[] {
  const avoid = mentioned(fn);
  for (const n of sweepNames(fn.body, options)) avoid.add(n);
  const locals = new LocalNames(avoid);
  const statements = new Statements(fn, locals, {
    local: options.local,
    isInitialiser: (key) => derived.initialisers.has(key),
  });
  const params = fn.params.map((p) => {
    const own = locals.fresh(p, "x");
    statements.define(p, own);
    return `${own}: ${p.type.kind === "number" ? "number" : "any"}`;
  });
  statements.whole(fn.body);
  const head =
    options.inline === true
      ? `${name}: (${params.join(", ")}): any => {`
      : `function ${name}(${params.join(", ")}): any {`;
  const span = fn.span.file === "" ? undefined : fn.span;
  return [{ text: head, indent: 0, span }, ...statements.lines, { text: "}", indent: 0, span: undefined }];
}

/** Names of other derivatives that the body will call. */
function sweepNames(region: Region, options: EmitOptions, into: string[] = []): string[] {
  for (const op of region.ops) {
    if (op.kind === "sweep" && op.callee.kind === "known") {
      const key = op.settled === true ? settledKey(op.callee.key) : op.callee.key;
      const names = options.local(key, op.mask, op.sweep === "jvp" ? "forward" : "reverse");
      for (const name of Object.values(names ?? {})) if (name !== undefined) into.push(name);
    }
    const dual =
      (op.kind === "sweep" || op.kind === "call") && op.callee.kind === "known" ? dualOf(op.callee.key) : undefined;
    const code = dual === undefined ? undefined : options.local(dual.of, dual.mask, "forward")?.jvp;
    if (code !== undefined) into.push(code);
    if (op.kind === "if") {
      sweepNames(op.then, options, into);
      sweepNames(op.else, options, into);
    } else if (op.kind === "loop") sweepNames(op.body, options, into);
  }
  return into;
}
