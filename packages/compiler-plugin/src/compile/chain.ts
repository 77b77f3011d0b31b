/** Why a function is being differentiated, told from the function outwards to the operator that asked. */
import type { DiagnosticNote } from "../check/index.ts";
import type { DifferentiableDeclaration, OperatorSite } from "../frontend/index.ts";
import type { Program, Span } from "../hir/types.ts";

export type Cause =
  | { readonly kind: "site"; readonly site: OperatorSite }
  | { readonly kind: "tag"; readonly declaration: DifferentiableDeclaration }
  | { readonly kind: "registration"; readonly target: string; readonly span: Span }
  /** The variant, as `key|mask`, whose derivative calls this one. */
  | { readonly kind: "caller"; readonly id: string };

interface Link {
  readonly key: string;
  readonly cause: Cause;
}

/** Chains longer than this are cut in the middle: the ends tell most. */
const longest = 8;

function asked(name: string, cause: Exclude<Cause, { kind: "caller" }>): DiagnosticNote {
  switch (cause.kind) {
    case "site":
      return { message: `when differentiating ${name}, as ${cause.site.operator}(…) asks here`, span: cause.site.span };
    case "tag":
      return { message: `when differentiating ${name}, which is tagged @differentiable` };
    case "registration":
      return { message: `when differentiating ${name}, the rule registered for ${cause.target}`, span: cause.span };
  }
}

export function chainNotes(
  link: Link,
  variantOf: (id: string) => Link | undefined,
  program: Pick<Program, "lower">,
): DiagnosticNote[] {
  const notes: DiagnosticNote[] = [];
  let current = link;
  for (;;) {
    const { name } = program.lower(current.key);
    const { cause } = current;
    if (cause.kind === "caller") {
      const caller = variantOf(cause.id);
      if (caller === undefined) break;
      const { name: callerName, span } = program.lower(caller.key);
      const heading = { file: span.file, start: span.start, end: span.start + 1 };
      notes.push({ message: `when differentiating ${name}, called from ${callerName}`, span: heading });
      current = caller;
      continue;
    }
    notes.push(asked(name, cause));
    break;
  }
  if (notes.length <= longest) return notes;
  const cut = notes.length - longest;
  return [...notes.slice(0, 4), { message: `… ${cut} more calls …` }, ...notes.slice(4 + cut)];
}
