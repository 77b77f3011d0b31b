/** What to do when the compiler has not run, for the host in use first. */

const steps = {
  jest: 'Under jest, add to the configuration:  transform: { "\\\\.ts$": "@pullback/compiler-plugin/jest" }',
  node: "In Node, start the program with:  npx pullback run file.ts   or   node --import @pullback/compiler-plugin/register file.ts",
  bundler:
    'With Vite, Rollup, Rolldown, esbuild, webpack or Vitest, add the plugin:  import pullback from "@pullback/compiler-plugin/vite"   (…/rollup, …/webpack)   or bundle the output of  npx pullback build',
};

type Host = keyof typeof steps;

function currentHost(): Host {
  const { process } = globalThis as {
    process?: { env?: Record<string, string | undefined>; versions?: { node?: string } };
  };
  // Vitest sets both.
  if (process?.env?.VITEST !== undefined) return "bundler";
  if (process?.env?.JEST_WORKER_ID !== undefined) return "jest";
  return process?.versions?.node === undefined ? "bundler" : "node";
}

/** The steps, one line each, beginning with those for the host this program runs in. */
export function setUpSteps(): string {
  const host = currentHost();
  const rest = (Object.keys(steps) as Host[]).filter((other) => other !== host);
  return [
    "The derivative is written by the compiler before the program runs.",
    ...[host, ...rest].map((key) => steps[key]),
  ].join("\n");
}
