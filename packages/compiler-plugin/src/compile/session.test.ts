/** Sessions over a made-up compiler that counts its work: what is compiled when, and what is read from the cache. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { DerivedFunction } from "../ad/index.ts";
import type { Diagnostic } from "../check/index.ts";
import type { CompilerProgram } from "../frontend/index.ts";
import type { HirFunction } from "../hir/types.ts";
import { DiskCache } from "./cache.ts";
import { CompileError } from "./errors.ts";
import { type Compiler, Session } from "./session.ts";

let folder: string;
let work: { programs: number; stripped: string[]; forgotten: number };
let diagnostics: Diagnostic[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pullback-session-"));
  mkdirSync(join(folder, "node_modules"));
  writeFileSync(path("a.ts"), "f;");
  writeFileSync(path("b.ts"), "plain;");
  work = { programs: 0, stripped: [], forgotten: 0 };
  diagnostics = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const path = (name: string) => join(folder, name).replaceAll("\\", "/");

/** Function `f` of a.ts has a site; the derivative it gets is the text of b.ts. */
const compiler: Compiler = {
  createProgram({ rootFiles }) {
    work.programs++;
    const files = [...new Set([...rootFiles, path("a.ts"), path("b.ts")])];
    const key = `${path("a.ts")}#f`;
    const site = {
      operator: "gradient",
      target: { kind: "function", key },
      mask: "1",
      span: { file: path("a.ts"), start: 0, end: 1 },
    };
    return {
      ...{
        files,
        inputs: files,
        semanticErrors: () => [],
        stopping: () => undefined,
        structs: () => [],
        tagged: () => [],
        registrations: () => [],
        expansions: () => [],
        settle: () => {},
      },
      text: (file: string) => readFileSync(file, "utf8"),
      diagnostics: (file: string) => diagnostics.filter(({ span }) => span.file === file),
      sites: (file: string) => (file === path("a.ts") ? [site] : []),
      declarations: (file: string) =>
        file === path("a.ts")
          ? [{ key, reference: "f", attachAfter: 2, fullMask: "1", nested: false, kind: "function" }]
          : [],
      lower: () => ({ name: "f", params: [], result: { kind: "number" } }) as unknown as HirFunction,
    } as unknown as CompilerProgram;
  },
  forgetSources() {
    work.forgotten++;
  },
  differentiateForward: () => {
    throw new Error("nobody asks for forward mode here");
  },
  differentiate: (_program, { key, mask }) =>
    ({
      key,
      mask,
      name: "f",
      kinds: "v",
      mutates: "",
      demands: [],
      independent: () => [],
      diagnostics: [],
    }) as unknown as DerivedFunction,
  emitDerivative: (_derived, { names }) => ({
    ...{ text: `${names.joint}(${readFileSync(path("b.ts"), "utf8")})`, names, mappings: [] },
  }),
  stripTypes(text, file) {
    work.stripped.push(file);
    return { code: text, map: '{"version":3,"sources":["x"],"names":[],"mappings":""}' };
  },
};

const open = (once = false) => new Session({ projectFolder: folder, rootFiles: [path("a.ts")], once }, compiler);

test("compiles once; a second session reads everything from the disk", () => {
  const first = open().unit(path("a.ts"));
  expect(first.code).toContain("f$gradient(plain;)");
  expect(first.code).toContain('import * as $pb from "@pullback/autodiff/runtime"');
  expect(first.code).toContain('$pb.attach(f, { abi: 1, name: "f", kinds: "v", variants: { "1": {');
  open().unit(path("b.ts"));
  expect(work).toEqual({ programs: 1, stripped: [path("a.ts"), path("b.ts")], forgotten: 0 });
  const second = open();
  expect(second.unit(path("a.ts"))).toEqual(first);
  expect(second.unit(path("b.ts")).code).toBe("plain;");
  expect(work).toEqual({ programs: 1, stripped: [path("a.ts"), path("b.ts")], forgotten: 0 });
});

test("a session that compiles once writes everything and lets go of what was parsed", () => {
  const session = open(true);
  session.unit(path("a.ts"));
  expect(work).toEqual({ programs: 1, stripped: [path("a.ts"), path("b.ts")], forgotten: 1 });
  expect(session.unit(path("b.ts")).code).toBe("plain;");
  expect(work.programs).toBe(1);
});

test("a change in a callee's file changes the compiled form of the caller's", () => {
  const session = open();
  session.unit(path("a.ts"));
  writeFileSync(path("b.ts"), "changed;");
  session.revalidate();
  expect(session.unit(path("a.ts")).code).toContain("f$gradient(changed;)");
  expect(open().unit(path("a.ts")).code).toContain("f$gradient(changed;)");
  expect(work.programs).toBe(2);
});

test("a file outside the program joins it", () => {
  writeFileSync(path("c.ts"), "c;");
  const session = open();
  session.unit(path("a.ts"));
  expect(session.unit(path("c.ts")).code).toBe("c;");
  expect(work.programs).toBe(2);
  expect(open().unit(path("c.ts")).code).toBe("c;");
  expect(work.programs).toBe(2);
});

test("a file with errors does not load, also from the cache, and others do", () => {
  const span = { file: path("b.ts"), start: 0, end: 5 };
  diagnostics = [{ code: "PB1007", severity: "error", message: "bits", span, notes: [] }];
  for (let i = 0; i < 2; i++) {
    const session = open();
    expect(session.unit(path("a.ts")).code).toContain("$pb.attach");
    let thrown: unknown;
    try {
      session.unit(path("b.ts"));
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(CompileError);
    expect((thrown as CompileError).code).toBe("PB1007");
    expect((thrown as CompileError).message).toContain("plain;");
  }
  expect(work.programs).toBe(1);
});

test("no folder for a cache: everything is still compiled once per session", () => {
  const session = new Session(
    { projectFolder: folder, rootFiles: [path("a.ts")], cache: new DiskCache(undefined) },
    compiler,
  );
  expect(session.unit(path("a.ts"))).toEqual(session.unit(path("a.ts")));
  expect(work.programs).toBe(1);
});
