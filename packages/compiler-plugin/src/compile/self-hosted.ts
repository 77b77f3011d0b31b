/**
 * The packages that the compiler itself is made of. Their sources mention operators without asking for derivatives
 * (they define them), so they are stripped of types and never compiled; `language/` and `fixtures/`, which are programs
 * in the differentiable language, are the exception.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const names = new Set(["@pullback/autodiff", "@pullback/compiler-plugin"]);
const byFolder = new Map<string, boolean>();

export function isSelfHosted(file: string): boolean {
  return folderIsSelfHosted(dirname(file)) && !/[\\/]src[\\/](language|fixtures)[\\/]/.test(file);
}

function folderIsSelfHosted(folder: string): boolean {
  const known = byFolder.get(folder);
  if (known !== undefined) return known;
  const manifest = join(folder, "package.json");
  const parent = dirname(folder);
  let answer: boolean;
  if (existsSync(manifest)) answer = names.has(JSON.parse(readFileSync(manifest, "utf8")).name);
  else answer = parent !== folder && folderIsSelfHosted(parent);
  byFolder.set(folder, answer);
  return answer;
}
