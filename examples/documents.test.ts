/** The TypeScript in README.md and docs/training.md compiles, its derivatives included. */
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "@jest/globals";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = await mkdtemp(join(tmpdir(), "pullback-documents-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Code blocks; what a comment just above declares is given to the block. */
const block = /(?:<!-- (declare [\s\S]*?) -->\n)?```ts\n([\s\S]*?)```/g;

test("every block", async () => {
  const names: string[] = [];
  for (const document of ["README.md", "docs/training.md"]) {
    const text = await readFile(join(root, document), "utf8");
    for (const [i, [, given = "", code]] of [...text.matchAll(block)].entries()) {
      const name = `${document.replace(/\W/g, "-")}-${i + 1}.ts`;
      names.push(name);
      await writeFile(join(folder, name), `${given}\n${code}\nexport {};\n`);
    }
  }
  expect(names.length).toBeGreaterThan(6);
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  const compilerOptions = { noUnusedLocals: false, typeRoots: [join(root, "node_modules", "@types")] };
  const project = { extends: join(root, "tsconfig.json"), compilerOptions, include: ["*.ts"], exclude: [] };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(project));
  const command = join(root, "packages", "pullback", "bin", "pullback.js");
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, "check", folder], { encoding: "utf8" });
  expect({ status, output: stdout + stderr }).toMatchObject({ status: 0 });
}, 300_000);
