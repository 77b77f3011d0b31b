/**
 * One round, in a process of its own: `round.ts <files> <ours|types>` times what is named first before the other, so that
 * neither always profits from what the other warmed up. Prints milliseconds as JSON.
 */
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSession } from "@pullback/compiler-plugin";
import { type Project, writeProject } from "./project.ts";

const [count, first] = [Number(process.argv[2]), process.argv[3]];
const ts = createRequire(import.meta.url)("typescript") as typeof import("typescript");
const modules = join(import.meta.dirname, "..", "..", "node_modules");

function time(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

/** What type checking alone costs. */
function typeCheck({ folder, files }: Project): number {
  const parsed = ts.getParsedCommandLineOfConfigFile(
    join(folder, "tsconfig.json"),
    {},
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => {} },
  );
  return time(() => {
    const found = ts.getPreEmitDiagnostics(ts.createProgram([...files], parsed?.options ?? {}));
    if (found.length > 0) throw new Error(ts.flattenDiagnosticMessageText(found[0].messageText, "\n"));
  });
}

/** From nothing to the JavaScript and source map of every file. */
function compileAll({ folder, files }: Project): number {
  const session = openSession({ projectFolder: folder, rootFiles: files, keep: false });
  const cold = time(() => {
    for (const file of files) session.unit(file);
  });
  const found = session.diagnostics();
  if (found.length > 0) throw new Error(found[0].message);
  return cold;
}

const project = (name: string) => writeProject(join(tmpdir(), `pullback-bench-${process.pid}-${name}`), count, modules);
const [typed, compiled] = [project("types"), project("ours")];
try {
  let types = first === "types" ? typeCheck(typed) : 0;
  const cold = compileAll(compiled);
  if (first !== "types") types = typeCheck(typed);
  // Warm: the session of an editor or a development server, one function edited again and again.
  const session = openSession({ projectFolder: compiled.folder, rootFiles: compiled.files, keep: false });
  for (const file of compiled.files) session.unit(file);
  const warm: number[] = [];
  let changed = 0;
  for (let i = 0; i < 9; i++) {
    compiled.edit(3 + i);
    const elapsed = time(() => {
      const files = session.refresh();
      for (const file of files) session.unit(file);
      changed = files.length;
    });
    if (i > 1) warm.push(elapsed);
  }
  console.log(JSON.stringify({ types, cold, warm: warm.sort((a, b) => a - b)[3], changed }));
} finally {
  typed.remove();
  compiled.remove();
}
