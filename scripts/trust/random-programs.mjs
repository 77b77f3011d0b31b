// Draws random programs from a seed, compiles them, and compares every derivative with central differences (batch.mjs).
// Every refusal must carry a code.
//
//   node scripts/trust/random-programs.mjs [--count 10000] [--seed 1] [--from 0] [--show 10]
//
// A program is its seed and number: `--seed 1 --from 4711 --count 1` runs one alone.
import { parseArgs } from "node:util";
import { checkBatch } from "./batch.mjs";
import { Workplace } from "./compile.mjs";
import { program } from "./generate/index.mjs";

const { values: options } = parseArgs({
  options: {
    count: { type: "string" },
    seed: { type: "string" },
    from: { type: "string" },
    show: { type: "string" },
  },
});
const count = Number(options.count ?? 10_000);
const first = Number(options.from ?? 0);
const seed = Number(options.seed ?? 1);
const perModule = 100;

const totals = { programs: 0, compared: 0, entries: 0, products: 0, kinked: 0, second: 0 };
const featureCounts = {};
const refusals = { first: {}, second: {} };
const failures = [];
const started = Date.now();

const place = new Workplace();
try {
  for (let from = first; from < first + count; from += perModule) {
    const programs = Array.from({ length: Math.min(perModule, first + count - from) }, (_, i) =>
      program(`p${from + i}`, seed, from + i),
    );
    const outcomes = await checkBatch(place, programs);
    outcomes.forEach((outcome, i) => {
      record(programs[i], outcome);
    });
    if (totals.programs % 1000 === 0)
      console.log(`${totals.programs} programs after ${seconds()} s, ${failures.length} wrong`);
  }
} finally {
  place.remove();
}

function record(each, { refused, problem, compared, entries, products, kinked }) {
  totals.programs++;
  totals.compared += compared ?? 0;
  totals.entries += entries ?? 0;
  totals.products += products ?? 0;
  totals.second += products > 0 ? 1 : 0;
  totals.kinked += kinked === true ? 1 : 0;
  for (const feature of each.features) featureCounts[feature] = (featureCounts[feature] ?? 0) + 1;
  for (const [order, { code }] of Object.entries(refused)) refusals[order][code] = (refusals[order][code] ?? 0) + 1;
  if (problem !== undefined) failures.push(`${each.name}: ${problem}\n${each.text}`);
}

function seconds() {
  return ((Date.now() - started) / 1000).toFixed(1);
}

const share = (n) => `${n} (${((100 * n) / totals.programs).toFixed(1)} %)`;
const byCode = (counts) =>
  Object.entries(counts)
    .map(([code, n]) => `${code} ${share(n)}`)
    .join(", ") || "none";
console.log(`${totals.programs} programs from seed ${seed} in ${seconds()} s`);
for (const [feature, n] of Object.entries(featureCounts).sort()) console.log(`  with ${feature}: ${share(n)}`);
console.log(
  `  compared with central differences: ${totals.compared} programs, ${totals.entries} derivatives, four forms of each`,
);
console.log(`  second derivatives compared: ${totals.second} programs, ${totals.products} entries in two modes`);
console.log(`  next to a kink in some direction, which is left out: ${totals.kinked}`);
console.log(`  refused: ${byCode(refusals.first)}; in second order: ${byCode(refusals.second)}`);
console.log(`  wrong: ${failures.length}`);
for (const failure of failures.slice(0, Number(options.show ?? 10))) console.error(`\n${failure}`);
process.exitCode = failures.length === 0 ? 0 : 1;
