// Strips the types from autodiff and compiler-plugin into their dist/ folders, so that Node 20 and jest can load the
// compiler that compiles every other package. Only changed files are written, each at once and whole, so that several
// bootstraps and running tests may overlap; nothing is done when the sources are those of the last time.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const packages = ["autodiff", "compiler-plugin"];

function* files(folder, ending) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!["testdata", "fixtures", "language"].includes(entry.name)) yield* files(path, ending);
    } else if (entry.name.endsWith(ending)) yield path;
  }
}

function write(path, text) {
  if (existsSync(path) && readFileSync(path, "utf8") === text) return;
  mkdirSync(dirname(path), { recursive: true });
  const whole = `${path}.${process.pid}.tmp`;
  writeFileSync(whole, text);
  renameSync(whole, path);
}

let typescript;
for (const name of packages) {
  const src = join(root, "packages", name, "src");
  const dist = join(root, "packages", name, "dist");
  const stamp = join(dist, ".bootstrap.json");
  const sources = [...files(src, ".ts")].filter((file) => !/\.(test|d)\.ts$/.test(file));
  const state = JSON.stringify(
    sources.map((file) => [relative(src, file), statSync(file).mtimeMs, statSync(file).size]),
  );
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === state) continue;
  typescript ??= (await import("typescript")).default;
  const current = new Set();
  let broken = 0;
  for (const file of sources) {
    const target = join(dist, relative(src, file).replace(/\.ts$/, ".js"));
    current.add(target);
    const { outputText, diagnostics } = typescript.transpileModule(readFileSync(file, "utf8"), {
      fileName: file,
      reportDiagnostics: true,
      compilerOptions: {
        target: typescript.ScriptTarget.ES2022,
        module: typescript.ModuleKind.ESNext,
        verbatimModuleSyntax: true,
        rewriteRelativeImportExtensions: true,
        inlineSourceMap: true,
        inlineSources: true,
      },
    });
    if (diagnostics.length > 0) {
      // Half an edit must not take the compiler away from everyone else: the last good output stays.
      broken++;
      const message = typescript.flattenDiagnosticMessageText(diagnostics[0].messageText, "\n");
      console.error(`bootstrap: ${relative(root, file)} does not parse: ${message}`);
      if (existsSync(target)) continue;
    }
    write(target, outputText);
  }
  if (existsSync(dist)) {
    // Declarations and manifests of a build would describe older sources: everything but our own output goes.
    for (const file of [...files(dist, "")]) {
      if (!current.has(file) && file !== stamp && !file.endsWith(".tmp")) rmSync(file, { force: true });
    }
  }
  if (broken === 0) write(stamp, state);
}
