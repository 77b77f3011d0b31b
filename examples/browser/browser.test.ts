/** The page of this folder, built by Vite through our plugin, in headless Chromium. */
import { mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { BrowserContext } from "playwright-core";
import { buildPage, executablePath, launch, open, outcomeOf, serve, stop } from "./chromium.ts";
import { drawn } from "./draws.ts";
import type { Outcome } from "./main.ts";
import type { ThreadsOutcome } from "./threads.ts";

const folder = mkdtempSync(join(tmpdir(), "pullback-browser-"));
const bundle = join(folder, "bundle");
/** As bundlers leave names where nothing is minified. */
const plainBundle = join(folder, "plain");

/** What a server says of its pages: nothing, that they may share memory, or also that no blob may run. */
const isolation = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
const policies = {
  open: {},
  isolated: isolation,
  strict: { ...isolation, "Content-Security-Policy": "script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'" },
} satisfies Record<string, Record<string, string>>;
type Policy = keyof typeof policies;

const inChromium = executablePath === undefined ? describe.skip : describe;
const skipped = executablePath === undefined ? " (skipped: neither chromium nor google-chrome is in /usr/bin)" : "";
inChromium(`in Chromium${skipped}`, () => {
  let browser: BrowserContext;
  const servers = new Map<Policy, Server>();

  beforeAll(async () => {
    await buildPage(bundle);
    await buildPage(plainBundle, "--minify", "false", "--base", "/plain/");
    for (const policy of Object.keys(policies) as Policy[])
      servers.set(policy, await serve({ "/plain/": plainBundle, "/": bundle }, policies[policy]));
    browser = await launch(join(folder, "profile"));
  }, 600_000);

  afterAll(async () => {
    await browser?.close();
    for (const server of servers.values()) stop(server);
    rmSync(folder, { recursive: true, force: true });
  });

  interface Visit<T> {
    readonly outcome: T;
    /** How many workers the page had in the end, and what it wrote to the console. */
    readonly workers: number;
    readonly said: readonly string[];
  }

  /** What the page at an address found; it closes at once, whatever its workers do. */
  async function visit<T>(address: string, policy: Policy): Promise<Visit<T>> {
    const errors: string[] = [];
    const said: string[] = [];
    const page = await open(browser, servers.get(policy)!, address, (own) => {
      own.on("pageerror", (error) => errors.push(error.message));
      own.on("console", (message) => said.push(message.text()));
    });
    const outcome = await outcomeOf<T>(page);
    const workers = page.workers().length;
    const before = performance.now();
    await page.close();
    expect(performance.now() - before).toBeLessThan(5000);
    expect(errors).toEqual([]);
    return { outcome, workers, said };
  }

  /** What the page found on a backend. */
  async function found(backend: string, isolated: boolean, checks: string, flags = ""): Promise<Outcome> {
    const address = `/?backend=${backend}&checks=${checks}${flags}`;
    const { outcome } = await visit<Outcome>(address, isolated ? "isolated" : "open");
    expect(outcome.isolated).toBe(isolated);
    return outcome;
  }

  function expectRight(outcome: Outcome, backend: string, checks: number): void {
    expect(outcome.refused).toBeUndefined();
    expect(outcome.device).toBe(backend);
    expect(outcome.failures).toEqual([]);
    expect(outcome.checks).toBeGreaterThanOrEqual(checks);
    expect(outcome.draws).toEqual(drawn);
    expect(outcome.losses.at(-1)!).toBeLessThan(0.1 * outcome.losses[0]!);
    // The suite's tolerance: a graphics processor's exponential is exact to 3 + 2 |x| units in the last place.
    expect(outcome.accuracies.filter(([, error]) => !(error < 1e-5))).toEqual([]);
  }

  test.each([
    ["eager", false],
    ["eager", true],
    ["lazy", true],
    ["tfjs:cpu", false],
    ["tfjs:wasm", false],
    ["tfjs:wasm", true],
  ])(
    "%s conforms and learns, cross-origin isolated: %s",
    async (backend, isolated) => {
      expectRight(await found(backend, isolated, "all"), backend, 1800);
    },
    120_000,
  );

  // A program is compiled for each new shape, in software here.
  const whole = process.env.PULLBACK_GRAPHICS === "all";
  const checks = whole ? "every check" : "one check of each kind of each operation (PULLBACK_GRAPHICS=all: every one)";
  /** Without which small arrays would be computed on the host. */
  const onProcessor = (flag: string): string => `&tfjsflags=${flag}_CPU_FORWARD:false`;

  test(`tfjs:webgl conforms and learns: ${checks}`, async () => {
    const outcome = await found("tfjs:webgl", false, whole ? "all" : "operations", onProcessor("WEBGL"));
    expectRight(outcome, "tfjs:webgl", whole ? 1800 : 400);
  }, 1_800_000);

  test("tfjs:webgl mixes with the host where arrays are small", async () => {
    expectRight(await found("tfjs:webgl", true, "none"), "tfjs:webgl", 0);
  }, 120_000);

  test(`tfjs:webgpu conforms and learns where there is an adapter, and else says so: ${checks}`, async () => {
    const outcome = await found("tfjs:webgpu", false, whole ? "all" : "operations", onProcessor("WEBGPU"));
    if (outcome.refused === undefined) return expectRight(outcome, "tfjs:webgpu", whole ? 1800 : 400);
    expect(outcome.refused).toMatch(/tfjs:webgpu does not start here.*no WebGPU adapter/s);
    expect(outcome.device).toBe("eager");
    console.log(`Not checked: ${outcome.refused}`);
  }, 1_800_000);

  test("threads work where the page is isolated, and give the same bits as one thread", async () => {
    const alone = await visit<ThreadsOutcome>("/?work=threads", "open");
    expect(alone.outcome.stats).toEqual({ threads: 1, workers: 0, shares: 0 });
    expect(alone.said.filter((text) => /one thread.*Cross-Origin-Opener-Policy/.test(text))).toHaveLength(1);
    expect(new Set(alone.outcome.first).size).toBe(7);
    expect(alone.outcome.again).toEqual(alone.outcome.first);
    const cores = Math.min(availableParallelism(), 8);
    for (const address of ["/?work=threads", "/plain/?work=threads"]) {
      const { outcome, workers, said } = await visit<ThreadsOutcome>(address, "isolated");
      expect(outcome.stats).toMatchObject({ threads: cores, workers: cores - 1 });
      expect(workers).toBe(cores - 1);
      if (cores > 1) expect(outcome.stats.shares).toBeGreaterThan(20);
      expect([outcome.first, outcome.again]).toEqual([alone.outcome.first, alone.outcome.first]);
      expect(said.filter((text) => /thread/.test(text))).toEqual([]);
    }
  }, 120_000);

  test("a page that may not start workers has one thread, and says why", async () => {
    const { outcome, workers, said } = await visit<ThreadsOutcome>("/?work=threads", "strict");
    expect(outcome.again).toEqual(outcome.first);
    expect([workers, outcome.stats.workers, outcome.stats.shares]).toEqual([0, 0, 0]);
    const expected = outcome.stats.threads > 1 ? 1 : 0;
    expect(said.filter((text) => /one thread.*worker-src/.test(text))).toHaveLength(expected);
  }, 120_000);

  test.each(["/", "/plain/"])(
    "the WebAssembly engine of tfjs has threads in the bundle at %s",
    async (path) => {
      const { outcome, workers } = await visit<Outcome>(`${path}?backend=tfjs:wasm&every=100`, "isolated");
      expectRight(outcome, "tfjs:wasm", 18);
      expect(workers).toBeGreaterThan(0);
    },
    120_000,
  );
});
