// Runs jest with ECMAScript modules and the compiler's verifier switched on: `npm test`, or `npm test -- packages/core`.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import "./bootstrap.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const jest = join(dirname(createRequire(import.meta.url).resolve("jest/package.json")), "bin", "jest.js");
const { status } = spawnSync(
  process.execPath,
  ["--experimental-vm-modules", "--disable-warning=ExperimentalWarning", jest, ...process.argv.slice(2)],
  { cwd: root, stdio: "inherit", env: { ...process.env, PULLBACK_VERIFY: "1" } },
);
process.exit(status ?? 1);
