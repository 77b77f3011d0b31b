/**
 * A program being compiled for a host: from the disk cache while nothing has changed, else by planning the whole
 * program afresh and compiling every file that has something to emit. Hosts ask for units, file by file.
 */
import { readFileSync, writeSync } from "node:fs";
import { isatty } from "node:tty";
import { type Diagnostic, formatDiagnostic } from "../check/index.ts";
import type { CompilerProgram } from "../frontend/index.ts";
import { compilerVersion, DiskCache, hash } from "./cache.ts";
import { CompileError, failureOf } from "./errors.ts";
import { compileFile, emitsNothing } from "./file.ts";
import { type Input, inputOf, isUnchanged } from "./inputs.ts";
import { type FilePlan, type Plan, planProgram } from "./plan.ts";
import { noProgress, type Progress } from "./progress.ts";
import { Revisions } from "./revisions.ts";
import { isSelfHosted } from "./self-hosted.ts";
import type { Stages } from "./stages.ts";

/** The front end and the stages behind it. */
export interface Compiler extends Stages {
  createProgram(options: {
    rootFiles: string[];
    projectFolder: string;
    tsconfig?: string;
    oldProgram?: CompilerProgram;
  }): CompilerProgram;
  /** Forgets the parsed files that outlive a program. */
  forgetSources(): void;
}

export interface SessionOptions {
  readonly projectFolder: string;
  readonly rootFiles: readonly string[];
  readonly tsconfig?: string;
  readonly progress?: () => Progress;
  readonly cache?: DiskCache;
  /**
   * Lets go of the program when all of it is compiled: for a host that compiles in the process that then runs what it
   * compiled, whose every garbage collection would otherwise go through the syntax of all files.
   */
  readonly once?: boolean;
  /** What happens to a warning when its file is first loaded; it is written to stderr by default. */
  readonly warn?: (warning: Diagnostic, text: (file: string) => string) => void;
}

/** What a host loads for one source file. */
export interface Unit {
  /** JavaScript, without a source map comment. */
  readonly code: string;
  /** Source map as JSON. */
  readonly map: string;
}

/** What a compilation leaves on disk. */
interface State {
  readonly rootFiles: readonly string[];
  readonly inputs: readonly Input[];
  /** The source files of the program. */
  readonly sources: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
  /** Cache entry of every file that has derivatives or carriers; all others only lose their types. */
  readonly units: Readonly<Record<string, string>>;
}

export class Session {
  readonly #options: SessionOptions;
  readonly #compiler: Compiler;
  readonly #cache: DiskCache;
  readonly #version: string;
  readonly #stateName: string;
  readonly #warned = new Set<string>();
  #revisions: Revisions;
  #state: State | undefined;
  #program: CompilerProgram | undefined;
  #inputs = new Map<string, Input>();
  /** What the files were written from, with the names of their cache entries. */
  #written = new Map<string, { readonly from: readonly unknown[]; readonly name: string }>();

  constructor(options: SessionOptions, compiler: Compiler) {
    this.#options = options;
    this.#compiler = compiler;
    this.#revisions = new Revisions(compiler);
    this.#cache = options.cache ?? DiskCache.of(options.projectFolder);
    this.#version = compilerVersion(options.projectFolder);
    const { projectFolder, tsconfig, rootFiles } = options;
    this.#stateName = `state-${hash(this.#version, projectFolder, tsconfig ?? "", ...rootFiles)}.json`;
  }

  /** Forgets what is known when an input has changed since; cheap when none has. */
  revalidate(): void {
    if (this.#state !== undefined && !isCurrent(this.#state)) this.#state = undefined;
  }

  /**
   * Compiles again when an input has changed; gives the files whose compiled form is then another, the changed ones
   * among them.
   */
  refresh(): string[] {
    const before = this.#state;
    this.revalidate();
    if (before === undefined || this.#state !== undefined) return [];
    const edited = before.inputs.filter((input) => !isUnchanged(input)).map(({ file }) => file);
    const after = this.#current();
    this.#warned.clear();
    return after.sources.filter((file) => edited.includes(file) || before.units[file] !== after.units[file]);
  }

  /** The source files of the program. */
  sources(): readonly string[] {
    return this.#current().sources;
  }

  /** Compiles a file, or finds it compiled. Throws CompileError when it has errors; writes its warnings to stderr once. */
  unit(file: string): Unit {
    // Nothing is ever derived there, and compiled code imports files of it that the program itself does not.
    if (isSelfHosted(file)) return this.#stripped(readFileSync(file, "utf8"), file);
    let state = this.#current();
    if (!state.sources.includes(file)) state = this.#build([...state.rootFiles, file]);
    this.#judge(state, file);
    const name = state.units[file];
    if (name === undefined) return this.#stripped(readFileSync(file, "utf8"), file);
    let kept = this.#cache.read(name);
    if (kept === undefined) {
      this.#written.clear();
      this.#build(state.rootFiles);
      kept = this.#cache.read(name);
    }
    if (kept === undefined) throw new Error(`The compiled form of ${file} is gone from the cache`);
    return JSON.parse(kept) as Unit;
  }

  /** Every diagnostic of the program. */
  diagnostics(): readonly Diagnostic[] {
    return this.#current().diagnostics;
  }

  #current(): State {
    this.#state ??= this.#kept() ?? this.#build(this.#options.rootFiles);
    return this.#state;
  }

  /** The state that an earlier session left, if it still holds. */
  #kept(): State | undefined {
    const text = this.#cache.read(this.#stateName);
    if (text === undefined) return undefined;
    const state = JSON.parse(text) as State;
    return isCurrent(state) ? state : undefined;
  }

  #build(rootFiles: readonly string[]): State {
    // Several workers start at once: one compiles, the others wait and read what it left.
    const { release, waited } = this.#cache.lock(this.#stateName);
    try {
      const kept = waited ? this.#kept() : undefined;
      this.#state = kept !== undefined && rootFiles.every((file) => kept.sources.includes(file)) ? kept : undefined;
      this.#state ??= this.#compile(rootFiles);
      return this.#state;
    } finally {
      release();
    }
  }

  #compile(rootFiles: readonly string[]): State {
    const progress = this.#options.progress?.() ?? noProgress;
    const { projectFolder, tsconfig } = this.#options;
    progress.step("reading the program");
    const program = this.#compiler.createProgram({
      rootFiles: [...rootFiles],
      projectFolder,
      ...(tsconfig === undefined ? {} : { tsconfig }),
      ...(this.#program === undefined ? {} : { oldProgram: this.#program }),
    });
    const inputs = program.inputs.map((file) => inputOf(file, this.#inputs.get(file)));
    this.#inputs = new Map(inputs.map((input) => [input.file, input]));
    this.#revisions.advance(program);
    // What else changes than functions may change what is written of any file.
    if (program.changed === undefined) this.#written.clear();
    const plan = planProgram(program, this.#revisions, progress);
    this.#program = program;
    const units: Record<string, string> = {};
    const failures: Diagnostic[] = [];
    const toEmit = [...plan.files.values()].filter(
      (file) => !emitsNothing(program, file) && !file.diagnostics.some(({ severity }) => severity === "error"),
    );
    for (const [i, filePlan] of toEmit.entries()) {
      const { file } = filePlan;
      const from = writtenFrom(program, plan, filePlan);
      const before = this.#written.get(file);
      if (before !== undefined && sameList(before.from, from)) {
        units[file] = before.name;
        continue;
      }
      progress.step(`writing ${i + 1} of ${toEmit.length} files`);
      try {
        const { code, map, typescript } = compileFile(program, plan, file, {
          ...this.#compiler,
          stripTypes: (text, path) => this.#stripped(text, path),
        });
        const name = `unit-${hash(this.#version, file, typescript)}.json`;
        this.#cache.write(name, JSON.stringify({ code, map }));
        units[file] = name;
        this.#written.set(file, { from, name });
      } catch (error) {
        failures.push(failureOf(file, error));
      }
    }
    program.settle();
    progress.done();
    const state: State = {
      rootFiles,
      inputs,
      sources: program.files,
      diagnostics: [...plan.diagnostics, ...failures],
      units,
    };
    this.#cache.sweep();
    this.#cache.write(this.#stateName, JSON.stringify(state));
    if (this.#options.once) this.#forget(program, state);
    return state;
  }

  /** All that is left to write first, while it is parsed. Another file, not of the program, compiles all again. */
  #forget(program: CompilerProgram, { sources, units, diagnostics }: State): void {
    const wrong = new Set(diagnostics.filter(({ severity }) => severity === "error").map(({ span }) => span.file));
    for (const file of sources)
      if (units[file] === undefined && !wrong.has(file)) this.#stripped(program.text(file), file);
    this.#program = undefined;
    this.#revisions = new Revisions(this.#compiler);
    this.#inputs.clear();
    this.#written.clear();
    this.#compiler.forgetSources();
  }

  /** Most files come out of a changed program as they did before: their JavaScript is kept by their text. */
  #stripped(text: string, file: string): Unit {
    const name = `strip-${hash(this.#version, file, text)}.json`;
    const kept = this.#cache.read(name);
    if (kept !== undefined) return JSON.parse(kept) as Unit;
    const unit = this.#compiler.stripTypes(text, file);
    this.#cache.write(name, JSON.stringify(unit));
    return unit;
  }

  /** Throws the file's errors; writes its warnings, once in the life of the session. */
  #judge(state: State, file: string): void {
    // What was found in a file that is never loaded as such (a declaration file) concerns whoever loads anything.
    const own = state.diagnostics.filter(({ span }) => span.file === file || !state.sources.includes(span.file));
    if (own.length === 0) return;
    const color = isatty(2) && process.env.NO_COLOR === undefined;
    const text = (path: string) => readFileSync(path, "utf8");
    const errors = own.filter(({ severity }) => severity === "error");
    if (errors.length > 0) throw new CompileError(errors, text, color && this.#options.warn === undefined);
    if (this.#warned.has(file)) return;
    this.#warned.add(file);
    for (const warning of own) {
      if (this.#options.warn !== undefined) this.#options.warn(warning, text);
      else writeSync(2, `${formatDiagnostic(warning, text, color)}\n\n`);
    }
  }
}

function isCurrent(state: State): boolean {
  return state.inputs.every(isUnchanged);
}

/** All that the compiled form of a file depends on while the types of the program are the same. */
function writtenFrom(program: CompilerProgram, plan: Plan, { file, declarations, literals }: FilePlan): unknown[] {
  const own = [...declarations, ...literals].flatMap((each) => each.variants);
  const keys = new Set(own.map(({ key }) => key));
  const variants = [...own, ...[...keys].flatMap((key) => plan.applications(key).flatMap((each) => each.variants))];
  return [program.text(file), ...variants.flatMap(({ derived, joint, split }) => [derived, joint, split])];
}

function sameList(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((each, i) => each === b[i]);
}
