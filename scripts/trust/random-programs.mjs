// Compiles random programs and compares what their derivatives say with central differences: the gradient in both
// forms, a pullback applied twice and after its arguments were overwritten, the primal bit for bit, and what the
// arguments hold afterwards. Every refusal must carry a code.
//
//   node scripts/trust/random-programs.mjs [--count 10000] [--seed 1] [--from 0] [--show 10]
import { parseArgs } from "node:util";
import { Workplace } from "./compile.mjs";
import { agrees, at, difference, places, text } from "./differences.mjs";
import { prelude, program, random } from "./generate.mjs";

const { values: options } = parseArgs({
  options: { count: { type: "string" }, seed: { type: "string" }, from: { type: "string" }, show: { type: "string" } },
});
const count = Number(options.count ?? 10_000);
const first = Number(options.from ?? 0);
const seed = Number(options.seed ?? 1);
const perModule = 100;

const totals = { programs: 0, compared: 0, entries: 0, refused: 0, kinks: 0 };
const featureCounts = {};
const refusals = {};
const failures = [];
const report = (each, problem) => failures.push(`${each.name}: ${problem}\n${each.text}`);

/** Fresh arguments of a program, from its own numbers. */
function argumentsOf(number) {
  const next = random(number * 7919 + 17);
  const value = () => Math.round((next() * 3 - 1.5) * 1000) / 1000;
  const list = () => [value(), value(), value()];
  const [x, y, a, u, v, w] = [value(), value(), list(), value(), value(), list()];
  return () => [x, y, [...a], { u, v, w: [...w] }];
}

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

function check(each, module) {
  const f = module[each.name];
  const args = argumentsOf(each.number);
  const plain = args();
  const value = f(...plain);
  if (!Number.isFinite(value)) return;
  const jointArgs = args();
  const joint = module[`${each.name}_joint`](...jointArgs);
  const splitArgs = args();
  const split = module[`${each.name}_split`](...splitArgs);
  if (!Object.is(joint.value, value) || !Object.is(split.value, value)) {
    report(each, `the primal is ${value}, its compiled forms gave ${joint.value} and ${split.value}`);
    return;
  }
  if (!same(plain, jointArgs) || !same(plain, splitArgs)) {
    report(each, `the arguments end up as ${JSON.stringify([plain, jointArgs, splitArgs])}`);
    return;
  }
  splitArgs[2].fill(99);
  splitArgs[3].v = 99;
  const forms = { gradient: joint.gradient, pullback: split.pullback(1), "pullback again": split.pullback(1) };
  let kinked = false;
  for (const place of places(args())) {
    const expected = difference(f, args, place);
    if (expected === undefined) {
      kinked = true;
      continue;
    }
    for (const [form, tangent] of Object.entries(forms)) {
      if (agrees(at(tangent, place), expected)) continue;
      report(each, `${form} at ${text(place)} is ${at(tangent, place)}, central differences give ${expected}`);
      return;
    }
    totals.entries++;
  }
  if (kinked) totals.kinks++;
  totals.compared++;
}

async function checkModule(from, size) {
  const programs = Array.from({ length: size }, (_, i) => {
    const made = program(`p${from + i}`, seed * 1_000_003 + from + i);
    const { name } = made;
    const forms = `export const ${name}_joint = valueWithGradient(${name});\nexport const ${name}_split = valueWithPullback(${name});\n`;
    return { ...made, number: from + i, module: `${made.text}${forms}` };
  });
  const head = `import { valueWithGradient, valueWithPullback } from "@pullback/autodiff";\n${prelude}`;
  const place = new Workplace();
  try {
    const name = `m${from}.ts`;
    const build = () => place.compile({ [name]: head + programs.map((each) => each.module).join("") });
    let built = build();
    const starts = programs.map((_, i) => programs.slice(0, i).reduce((sum, p) => sum + p.module.length, head.length));
    const refused = new Map();
    for (const { code, severity, message, span, notes } of built.plan.diagnostics) {
      if (severity !== "error") continue;
      const spans = [...notes.map((note) => note.span), span].filter((s) => s?.file.endsWith(name));
      const owner = spans.map((s) => starts.findLastIndex((start) => start <= s.start)).find((i) => i >= 0);
      if (owner === undefined) throw new Error(`${code}: ${message}`);
      refused.set(owner, { code, message });
    }
    for (const [owner, { code, message }] of refused) {
      refusals[code] = (refusals[code] ?? 0) + 1;
      totals.refused++;
      if (!/^PB[1-5]\d{3}$/.test(code) || code === "PB2020")
        report(programs[owner], `refused with ${code}: ${message}`);
      programs[owner].module = "";
    }
    if (refused.size > 0) built = build();
    const module = await built.run(name);
    programs.forEach((each, i) => {
      totals.programs++;
      for (const feature of each.features) featureCounts[feature] = (featureCounts[feature] ?? 0) + 1;
      if (refused.has(i)) return;
      try {
        check(each, module);
      } catch (error) {
        report(each, error?.stack ?? String(error));
      }
    });
  } finally {
    place.remove();
  }
}

const started = Date.now();
for (let from = first; from < first + count; from += perModule) {
  await checkModule(from, Math.min(perModule, first + count - from));
}
const share = (n) => `${n} (${((100 * n) / totals.programs).toFixed(1)} %)`;
console.log(`${totals.programs} programs from seed ${seed} in ${((Date.now() - started) / 1000).toFixed(1)} s`);
for (const [feature, n] of Object.entries(featureCounts).sort()) console.log(`  with ${feature}: ${share(n)}`);
console.log(
  `  compared with central differences: ${totals.compared} programs, ${totals.entries} derivatives, three forms of each`,
);
console.log(`  next to a kink in some direction, which is left out: ${totals.kinks}`);
console.log(`  refused: ${totals.refused} ${JSON.stringify(refusals)}`);
console.log(`  wrong: ${failures.length}`);
for (const failure of failures.slice(0, Number(options.show ?? 10))) console.error(`\n${failure}`);
process.exitCode = failures.length === 0 ? 0 : 1;
