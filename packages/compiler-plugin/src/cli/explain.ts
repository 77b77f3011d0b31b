/** `pullback explain file.ts:function`: a function and, under it, the derivative that the compiler writes for it. */
import { resolve } from "node:path";
import { isatty } from "node:tty";
import { PullbackError } from "@pullback/autodiff";
import { formatDiagnostic, positionOf } from "../check/index.ts";
import type { CompilerProgram, DifferentiableDeclaration } from "../frontend/index.ts";
import { compiler } from "../hosts/compiler.ts";
import { highlight } from "./highlight.ts";
import { openProject } from "./project.ts";

export interface ExplainOptions {
  /** Print the forward and backward functions that callers use, not the two sweeps in one that `gradient` uses. */
  readonly split?: boolean;
  /** Which parameters are active, one "1" or "0" per parameter, the receiver first; all differentiable ones by default. */
  readonly mask?: string;
}

/**
 * Prints to stdout; gives 1 when the function has errors, else 0. `target` is `file.ts:name`, `file.ts:Class.method`
 * or `file.ts:12` for the function that starts on, or spans, that line (function literals have no other name).
 */
export function explain(target: string, options: ExplainOptions = {}): number {
  const colon = target.lastIndexOf(":");
  if (colon <= 0)
    throw notFound(`"${target}" names no function.`, "Write file.ts:function, file.ts:Class.method or file.ts:line.");
  const file = resolve(target.slice(0, colon)).replaceAll("\\", "/");
  const project = openProject(file);
  const program = compiler.createProgram({ rootFiles: [...project.files], projectFolder: project.folder });
  const { key, fullMask } = find(program, file, target.slice(colon + 1));
  const mask = options.mask ?? fullMask;
  const derived = compiler.differentiate(program, { key, mask });
  const color = isatty(1) && process.env.NO_COLOR === undefined;
  const text = (path: string) => program.text(path);
  for (const diagnostic of derived.diagnostics) {
    process.stdout.write(`${formatDiagnostic(diagnostic, text, color)}\n\n`);
  }
  if (derived.diagnostics.some(({ severity }) => severity === "error")) return 1;
  const split = options.split === true;
  const stem = (name: string, form: string) => `${name.replace(/[^\w$]+/g, "$")}$${form}`;
  const emitted = compiler.emitDerivative(derived, {
    joint: !split,
    split,
    inline: false,
    names: {
      joint: stem(derived.name, "gradient"),
      forward: stem(derived.name, "forward"),
      backward: stem(derived.name, "backward"),
    },
    local: (callee) => {
      const { name, file: home } = program.lower(callee);
      return home === file ? { forward: stem(name, "forward"), backward: stem(name, "backward") } : undefined;
    },
  });
  const paint = color ? highlight : (plain: string) => plain;
  const { span } = program.lower(key);
  const { line } = positionOf(text(file), span.start);
  const source = `// ${file}:${line}\n${unindented(text(file), span.start, span.end)}`;
  process.stdout.write(
    `${paint(source)}\n\n${paint(`// its derivative, active parameters ${mask}\n${emitted.text.trim()}`)}\n`,
  );
  return 0;
}

function find(program: CompilerProgram, file: string, name: string): { key: string; fullMask: string } {
  const declarations = program.declarations(file);
  if (/^\d+$/.test(name)) return atLine(program, file, declarations, Number(name));
  const qualified = (each: DifferentiableDeclaration) => each.key.slice(each.key.indexOf("#") + 1);
  const found =
    declarations.find((each) => qualified(each) === name) ??
    declarations.find((each) => each.name === name || qualified(each).endsWith(`.${name}`));
  if (found !== undefined) return found;
  const known = declarations.map(qualified).join(", ");
  throw notFound(`${file} has no function "${name}".`, known === "" ? "It declares none." : `It declares: ${known}.`);
}

/** The function literal or declaration on a line: one that starts there, else the innermost around it. */
function atLine(
  program: CompilerProgram,
  file: string,
  declarations: readonly DifferentiableDeclaration[],
  line: number,
): { key: string; fullMask: string } {
  const lineOf = (offset: number) => positionOf(program.text(file), offset).line;
  const literals = program
    .sites(file)
    .flatMap(({ target, mask }) => (target.kind === "literal" ? [{ key: target.key, fullMask: mask }] : []));
  const around = [...literals, ...declarations]
    .map((each) => ({ each, span: program.lower(each.key).span }))
    .filter(({ span }) => lineOf(span.start) <= line && line <= lineOf(span.end))
    .sort((a, b) => a.span.end - a.span.start - (b.span.end - b.span.start));
  const found = around.find(({ span }) => lineOf(span.start) === line) ?? around[0];
  if (found === undefined)
    throw notFound(`No function of ${file} spans line ${line}.`, "Give a line inside a function.");
  return found.each;
}

/** Source text with the indentation of its first line taken off all of them. */
function unindented(text: string, start: number, end: number): string {
  const lineStart = text.lastIndexOf("\n", start - 1) + 1;
  const indent = /^[ \t]*/.exec(text.slice(lineStart, start))?.[0] ?? "";
  const lines = text.slice(start, end).split("\n");
  return lines.map((line, i) => (i > 0 && line.startsWith(indent) ? line.slice(indent.length) : line)).join("\n");
}

function notFound(message: string, hint: string): PullbackError {
  return new PullbackError(message, { code: "PB9005", hint });
}
