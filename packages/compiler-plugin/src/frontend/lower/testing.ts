/** Runs a function twice, as TypeScript and as the HIR that it lowers to, for the differential tests of lowering. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { interpret, printFunction, problems } from "../../hir/index.ts";
import { stripTypes } from "../host/index.ts";
import { type CompilerProgram, createProgram } from "../program.ts";

const here = dirname(fileURLToPath(import.meta.url));
export const projectFolder = join(here, "../../../../..");

export interface Module {
  readonly program: CompilerProgram;
  readonly file: string;
  /** A function of the module, run by JavaScript. */
  plain(name: string): (...args: unknown[]) => unknown;
  /** The same function, run by interpreting its HIR. */
  lowered(name: string): (...args: unknown[]) => unknown;
  dump(name: string): string;
}

/** A module that stands beside this file without being there. */
export function moduleOf(text: string, others: Readonly<Record<string, string>> = {}): Module {
  const file = join(here, "module.ts");
  const overlay = new Map([[file, text], ...Object.entries(others).map(([name, t]) => [join(here, name), t] as const)]);
  const program = createProgram({ rootFiles: [file], projectFolder, overlay });
  const code = (t: string) =>
    stripTypes(t, file)
      .code.replace(/^\s*import .*$/gm, "")
      .replace(/^\s*export (default )?(?=\w)/gm, "")
      .replace(/^\s*export \{.*\};?$/gm, "");
  const body = [...Object.values(others), text].map(code).join("\n");
  const scope = new Function(`${body}\nreturn (text) => eval(text);`)() as (text: string) => unknown;
  const hir = (name: string) => program.lower(name.includes("#") ? name : `${file}#${name}`);
  return {
    program,
    file,
    plain: (name) => scope(name) as (...args: unknown[]) => unknown,
    lowered: (name) => {
      const fn = hir(name);
      const wrong = problems(fn);
      if (wrong.length > 0) throw new Error(`${wrong.join("\n")}\n${printFunction(fn)}`);
      return (...args) => interpret(fn, args, { program, resolve: (t) => scope(t) });
    },
    dump: (name) => printFunction(hir(name)),
  };
}
