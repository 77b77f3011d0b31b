/**
 * What `pullback run file.ts` starts a fresh Node with: the file becomes the program as far as it can tell
 * (`process.argv`), and an error of the compiler is shown as such, without Node's account of where it was thrown.
 */
import { writeSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

process.argv.splice(1, 1);
const file = resolve(process.argv[1]);
process.argv[1] = file;

try {
  await import(pathToFileURL(file).href);
} catch (error) {
  // Node's hooks thread hands errors over as copies: the name is what is left of the class.
  if (!(error instanceof Error) || error.name !== "CompileError") throw error;
  writeSync(2, `${error.message}\n`);
  process.exit(1);
}
