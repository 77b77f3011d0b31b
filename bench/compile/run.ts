/**
 * Speed of compiling, beside type checking alone (createProgram and getPreEmitDiagnostics of the same TypeScript in the
 * same process): a project of 50 files from nothing, and one edit of a function that others call.
 *
 *     npm run compile -w bench
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

interface Round {
  readonly types: number;
  readonly cold: number;
  readonly warm: number;
  readonly changed: number;
}

const files = 50;
const rounds = Number(process.argv[2] ?? 6);
const command = join(import.meta.dirname, "..", "..", "packages", "pullback", "bin", "pullback.js");

const results: Round[] = [];
for (let i = 0; i < rounds; i++) {
  const round = join(import.meta.dirname, "round.ts");
  const order = i % 2 === 0 ? "types" : "ours";
  const { stdout, stderr } = spawnSync(process.execPath, [command, "run", round, String(files), order], {
    encoding: "utf8",
  });
  if (!stdout.startsWith("{")) throw new Error(stderr);
  results.push(JSON.parse(stdout) as Round);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

const row = (name: string, value: string) => console.log(`${name.padEnd(44)} ${value}`);
row(`type checking ${files} files`, `${median(results.map(({ types }) => types)).toFixed(0)} ms`);
row("compiling them, nothing cached", `${median(results.map(({ cold }) => cold)).toFixed(0)} ms`);
row("ratio (goal: at most 1.5)", median(results.map(({ cold, types }) => cold / types)).toFixed(2));
row("one edit, to the text of every affected file", `${median(results.map(({ warm }) => warm)).toFixed(0)} ms`);
row("files affected by it", String(results[0].changed));
