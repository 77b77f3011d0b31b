// `npm run check`: type check, lint and format, unused exports, and the shape of every package. All of them run even
// when one fails; the exit status is non-zero when any did.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import typescript from "typescript";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

function tool(name, ...args) {
  return spawnSync(join(root, "node_modules", ".bin", name), args, { cwd: root, stdio: "inherit" }).status === 0;
}

function* sourcesOf(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!["testdata", "fixtures", "language"].includes(entry.name)) yield* sourcesOf(path);
    } else if (entry.name.endsWith(".ts") && !entry.name.endsWith(".test.ts")) yield path;
  }
}

/** The files that a build would put into the package, so that publint needs no build: one .js and .d.ts per source. */
function publishedFiles(folder) {
  const data = (text) => new TextEncoder().encode(text).buffer;
  const files = [{ name: "package/package.json", data: data(readFileSync(join(folder, "package.json"), "utf8")) }];
  for (const source of sourcesOf(join(folder, "src"))) {
    const stem = `package/dist/${relative(join(folder, "src"), source).replace(/\.ts$/, "")}`;
    const { outputText } = typescript.transpileModule(readFileSync(source, "utf8"), {
      fileName: source,
      compilerOptions: {
        target: typescript.ScriptTarget.ES2022,
        module: typescript.ModuleKind.ESNext,
        verbatimModuleSyntax: true,
      },
    });
    files.push({ name: `${stem}.js`, data: data(outputText) }, { name: `${stem}.d.ts`, data: data("export {};") });
  }
  // What is published as it stands.
  for (const plain of JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).files) {
    if (plain === "dist") continue;
    for (const entry of readdirSync(join(folder, plain), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      files.push({ name: `package/${relative(folder, path)}`, data: data(readFileSync(path, "utf8")) });
    }
  }
  return files;
}

async function packagesAreSound() {
  let sound = true;
  for (const name of readdirSync(join(root, "packages"))) {
    const folder = join(root, "packages", name);
    if (!existsSync(join(folder, "src"))) continue;
    const { messages, pkg } = await publint({ pkgDir: "package", pack: { files: publishedFiles(folder) } });
    for (const message of messages) console.error(`packages/${name}: ${message.type}: ${formatMessage(message, pkg)}`);
    if (messages.some(({ type }) => type !== "suggestion")) sound = false;
  }
  return sound;
}

const steps = [
  ["types (tsc)", () => tool("tsc", "-p", "tsconfig.json", "--noEmit")],
  ["lint and format (biome)", () => tool("biome", "check", "--error-on-warnings", "--max-diagnostics=200")],
  ["unused exports and dependencies (knip)", () => tool("knip", "--no-progress")],
  ["packages (publint)", packagesAreSound],
];

const failed = [];
for (const [name, step] of steps) {
  const ok = await step();
  console.error(`${ok ? "ok    " : "FAILED"} ${name}`);
  if (!ok) failed.push(name);
}
if (failed.length > 0) console.error(`check failed: ${failed.join(", ")}`);
process.exit(failed.length > 0 ? 1 : 0);
