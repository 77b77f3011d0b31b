/** `pullback explain file.ts:function`: a function and, under it, the derivative that the compiler writes for it. */
import { relative, resolve } from "node:path";
import { isatty } from "node:tty";
import { PullbackError } from "@pullback/autodiff";
import { formatDiagnostic, positionOf } from "../check/index.ts";
import type { CompilerProgram, DifferentiableDeclaration } from "../frontend/index.ts";
import type { HirFunction } from "../hir/types.ts";
import { compiler } from "../hosts/compiler.ts";
import { highlight } from "./highlight.ts";
import { openProject } from "./project.ts";

export interface ExplainOptions {
  /** Print the forward and backward functions that callers use, not the two sweeps in one that `gradient` uses. */
  readonly split?: boolean;
  /** Print the forward-mode function. */
  readonly forward?: boolean;
  /** Which parameters are active, one "1" or "0" per parameter, the receiver first; all differentiable ones by default. */
  readonly mask?: string;
}

/**
 * Prints to stdout; gives 1 when the function has errors, else 0. `target` is `file.ts:name`, `file.ts:Class.method`
 * or `file.ts:12` for the function that starts on, or spans, that line (function literals have no other name).
 * Throws PB9005 when there is no such function, PB2002 when it has no differentiable parameter.
 */
export function explain(target: string, options: ExplainOptions = {}): number {
  const { path, name } = parsed(target);
  const file = resolve(path).replaceAll("\\", "/");
  const project = openProject(file);
  const program = compiler.createProgram({ rootFiles: [...project.files], projectFolder: project.folder });
  if (name === "") throw notFound(`"${target}" names no function.`, listing(program, file));
  const { key, fullMask } = find(program, file, name);
  const hir = program.lower(key);
  const mask = options.mask ?? fullMask;
  checkMask(mask, fullMask, hir);
  const differentiate = options.forward === true ? compiler.differentiateForward : compiler.differentiate;
  const derived = differentiate(program, { key, mask });
  const color = isatty(1) && process.env.NO_COLOR === undefined;
  const text = (each: string) => program.text(each);
  for (const diagnostic of derived.diagnostics) {
    process.stdout.write(`${formatDiagnostic(diagnostic, text, color)}\n\n`);
  }
  if (derived.diagnostics.some(({ severity }) => severity === "error")) return 1;
  // The two sweeps in one are for results whose cotangent is 1 from the start.
  const split = options.split === true || hir.result.kind !== "number";
  const names = (base: string) => ({
    joint: stem(base, "gradient"),
    forward: stem(base, "forward"),
    backward: stem(base, "backward"),
    jvp: stem(base, "jvp"),
  });
  const emitted = compiler.emitDerivative(derived, {
    joint: !split,
    split,
    inline: false,
    names: names(derived.name),
    local: (callee) => {
      const { name: calleeName, file: home } = program.lower(callee);
      return home === file ? names(calleeName) : undefined;
    },
  });
  const paint = color ? highlight : (plain: string) => plain;
  const { line } = positionOf(text(file), hir.span.start);
  const active = hir.params.flatMap((param, i) => (mask[i] === "1" ? [param.name ?? `parameter ${i}`] : []));
  const forms =
    options.forward === true
      ? "forward mode"
      : split
        ? "a forward sweep, and a backward sweep that starts from its frame"
        : "both sweeps in one";
  process.stdout.write(
    [
      paint(
        `// ${isLiteral(program, file, key) ? "function literal" : titleOf(key)}, ${relativePath(file)}:${line}\n${sourceOf(text(file), hir.span.start, hir.span.end)}`,
      ),
      paint(`// its derivative with respect to ${active.join(", ")}: ${forms}\n${emitted.text.trim()}`),
      "",
    ].join("\n\n"),
  );
  return 0;
}

function isLiteral(program: CompilerProgram, file: string, key: string): boolean {
  return program.sites(file).some(({ target }) => target.kind === "literal" && target.key === key);
}

function stem(name: string, form: string): string {
  return `${name.replace(/[^\w$]+/g, "$")}$${form}`;
}

/** `file.ts:name`; the name is "" where only a file is given. A drive letter is no file. */
function parsed(target: string): { path: string; name: string } {
  const match = /^(.+\.[mc]?tsx?):(.+)$/.exec(target);
  if (match !== null) return { path: match[1], name: match[2] };
  if (/\.[mc]?tsx?$/.test(target)) return { path: target, name: "" };
  throw notFound(`"${target}" names no function.`, "Write file.ts:function, file.ts:Class.method or file.ts:line.");
}

function checkMask(mask: string, fullMask: string, hir: HirFunction): void {
  const hint = `Its parameters: ${hir.params.map(({ name }, i) => `${name ?? i} (${fullMask[i] === "1" ? "differentiable" : "not differentiable"})`).join(", ") || "none"}.`;
  if (!fullMask.includes("1")) {
    throw new PullbackError(`${hir.name} has no differentiable parameter.`, { code: "PB2002", hint });
  }
  const fits = mask.length === fullMask.length && [...mask].every((bit, i) => bit === "0" || bit === fullMask[i]);
  if (!fits || !mask.includes("1")) {
    throw new PullbackError(`The mask "${mask}" does not fit ${hir.name}; its full one is "${fullMask}".`, {
      code: "PB2005",
      hint,
    });
  }
}

function find(program: CompilerProgram, file: string, name: string): { key: string; fullMask: string } {
  const declarations = program.declarations(file);
  if (/^\d+$/.test(name)) return atLine(program, file, declarations, Number(name));
  const found =
    declarations.find(({ key }) => titleOf(key) === name) ??
    declarations.find((each) => each.name === name || titleOf(each.key).endsWith(`.${name}`));
  if (found !== undefined) return found;
  throw notFound(`${relativePath(file)} has no function "${name}".`, listing(program, file));
}

/** What a function is called on the command line: `f`, `Class.member`. */
function titleOf(key: string): string {
  return key.slice(key.indexOf("#") + 1).replace(/@\d+|static |get |set /g, "");
}

/** The functions of a file that can be explained. */
function listing(program: CompilerProgram, file: string): string {
  const lineOf = (key: string) => positionOf(program.text(file), program.lower(key).span.start).line;
  const declared = program.declarations(file).flatMap(({ key, fullMask }) => (fullMask.includes("1") ? [key] : []));
  const literals = program.sites(file).flatMap(({ target }) => (target.kind === "literal" ? [target.key] : []));
  const entries = [
    ...declared.map((key) => ({ line: lineOf(key), text: titleOf(key) })),
    ...literals.map((key) => ({ line: lineOf(key), text: `${lineOf(key)} (a function literal)` })),
  ].sort((a, b) => a.line - b.line);
  if (entries.length === 0) return "It has no function with a differentiable parameter.";
  const shown = entries.slice(0, 30).map(({ text }) => `  ${relativePath(file)}:${text}`);
  if (entries.length > shown.length) shown.push(`  … and ${entries.length - shown.length} more`);
  return ["Functions that can be differentiated there:", ...shown].join("\n");
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
    throw notFound(`No function of ${relativePath(file)} spans line ${line}.`, listing(program, file));
  return found.each;
}

/** A function as it stands in its file, with the variable it initialises, its indentation taken off. */
function sourceOf(text: string, start: number, end: number): string {
  const lineStart = text.lastIndexOf("\n", start - 1) + 1;
  const before = text.slice(lineStart, start);
  const indent = /^[ \t]*/.exec(before)?.[0] ?? "";
  const variable = /^[ \t]*(?:export )?(?:const|let|var) [\w$]+(?:\s*:[^=]*)?\s*=\s*$/.test(before);
  const lines = text.slice(variable ? lineStart + indent.length : start, end).split("\n");
  return lines.map((line, i) => (i > 0 && line.startsWith(indent) ? line.slice(indent.length) : line)).join("\n");
}

/** Relative to where the command runs, unless it lies outside. */
function relativePath(file: string): string {
  const path = relative(process.cwd(), file).replaceAll("\\", "/");
  return path.startsWith("../") ? file : path;
}

function notFound(message: string, hint: string): PullbackError {
  return new PullbackError(message, { code: "PB9005", hint });
}
