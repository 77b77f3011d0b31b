// Strips the types from autodiff and compiler-plugin into their dist/ folders, so that Node 20 and jest
// can load the compiler that compiles every other package. Skipped when dist/ is newer than src/.
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync, existsSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const packages = ["autodiff", "compiler-plugin"];

function* sources(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (entry.name !== "testdata" && entry.name !== "fixtures") yield* sources(path);
    } else if (entry.name.endsWith(".ts") && !entry.name.endsWith(".test.ts") && !entry.name.endsWith(".d.ts")) yield path;
  }
}

let typescript;
for (const name of packages) {
  const src = join(root, "packages", name, "src");
  const dist = join(root, "packages", name, "dist");
  const stamp = join(dist, ".bootstrap.json");
  const files = [...sources(src)];
  const state = JSON.stringify(files.map((file) => [relative(src, file), statSync(file).mtimeMs, statSync(file).size]));
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === state) continue;
  typescript ??= (await import("typescript")).default;
  rmSync(dist, { recursive: true, force: true });
  for (const file of files) {
    const { outputText } = typescript.transpileModule(readFileSync(file, "utf8"), {
      fileName: file,
      compilerOptions: {
        target: typescript.ScriptTarget.ES2022,
        module: typescript.ModuleKind.ESNext,
        verbatimModuleSyntax: true,
        rewriteRelativeImportExtensions: true,
        inlineSourceMap: true,
        inlineSources: true,
      },
    });
    const target = join(dist, relative(src, file).replace(/\.ts$/, ".js"));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, outputText);
  }
  writeFileSync(stamp, state);
}
