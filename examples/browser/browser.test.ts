/** The page of this folder, built by Vite through our plugin, in headless Chromium. */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { availableParallelism, tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type BrowserContext, chromium } from "playwright-core";
import type { Outcome } from "./main.ts";
import type { ThreadsOutcome } from "./threads.ts";

const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "..", "..");
const folder = mkdtempSync(join(tmpdir(), "pullback-browser-"));
const bundle = join(folder, "bundle");
/** As bundlers leave names where nothing is minified. */
const plainBundle = join(folder, "plain");

const types: Record<string, string> = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };
const folders: Record<string, string> = {
  "/tensor/": join(root, "packages/core/testdata/tensor"),
  "/wasm/": join(root, "node_modules/@tensorflow/tfjs-backend-wasm/dist"),
  "/plain/": plainBundle,
  "/": bundle,
};

/** What a server says of its pages: nothing, that they may share memory, or also that no blob may run. */
const isolation = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
const policies = {
  open: {},
  isolated: isolation,
  strict: { ...isolation, "Content-Security-Policy": "script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'" },
} satisfies Record<string, Record<string, string>>;
type Policy = keyof typeof policies;

/** Serves the bundles, the cases and the binaries. */
function serve(policy: Policy): Promise<Server> {
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    const prefix = Object.keys(folders).find((own) => path.startsWith(own))!;
    const file = join(folders[prefix]!, path === prefix ? "index.html" : path.slice(prefix.length));
    try {
      const content = await readFile(file);
      const type = types[extname(file)] ?? "application/octet-stream";
      response.writeHead(200, { "Content-Type": type, ...policies[policy] });
      response.end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

const found = executablePath === undefined ? describe.skip : describe;
found("in Chromium (skipped: neither chromium nor google-chrome is in /usr/bin)", () => {
  let browser: BrowserContext;
  const servers = new Map<Policy, Server>();

  beforeAll(async () => {
    // As a user builds: Vite's command in a process of its own.
    const vite = join(root, "node_modules/vite/bin/vite.js");
    const build = (...options: string[]) =>
      promisify(execFile)(process.execPath, [vite, "build", here, "--logLevel", "error", ...options]);
    await build("--outDir", bundle);
    await build("--outDir", plainBundle, "--minify", "false", "--base", "/plain/");
    for (const policy of Object.keys(policies) as Policy[]) servers.set(policy, await serve(policy));
    browser = await chromium.launchPersistentContext(join(folder, "profile"), {
      executablePath: executablePath!,
      headless: true,
      args: [
        ...["--no-sandbox", "--disable-quic", "--no-first-run"],
        ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
        // WebGL in software.
        ...["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
      ],
    });
  }, 600_000);

  afterAll(async () => {
    await browser?.close();
    for (const server of servers.values()) {
      server.close();
      server.closeAllConnections();
    }
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
    const { port } = servers.get(policy)!.address() as AddressInfo;
    const page = await browser.newPage();
    const errors: string[] = [];
    const said: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("console", (message) => said.push(message.text()));
    await page.goto(`http://127.0.0.1:${port}${address}`);
    await page.waitForFunction("globalThis.outcome !== undefined", undefined, { timeout: 20_000 });
    const outcome = (await page.evaluate("globalThis.outcome")) as T;
    const workers = page.workers().length;
    const before = performance.now();
    await page.close();
    expect(performance.now() - before).toBeLessThan(5000);
    expect(errors).toEqual([]);
    return { outcome, workers, said };
  }

  /** What the page found on a backend. */
  async function outcomeOf(backend: string, isolated: boolean, checks: string, flags = ""): Promise<Outcome> {
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
    expect(outcome.losses.at(-1)!).toBeLessThan(0.1 * outcome.losses[0]!);
    // The suite's tolerance: a graphics processor's exponential is exact to 3 + 2 |x| units in the last place.
    // The WebAssembly engine's own sin and cos, used far out, have an absolute error only: docs/backends.md says so.
    const unsaid = outcome.accuracies.filter(([name]) => backend !== "tfjs:wasm" || !["sin", "cos"].includes(name));
    expect(unsaid.filter(([, error]) => !(error < 1e-5))).toEqual([]);
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
      expectRight(await outcomeOf(backend, isolated, "all"), backend, 1800);
    },
    120_000,
  );

  // Small arrays would otherwise be computed on the host. A program is compiled for each new shape, in software here.
  const whole = process.env.PULLBACK_WEBGL === "all";
  const onProcessor = "&tfjsflags=WEBGL_CPU_FORWARD:false";
  test(`tfjs:webgl conforms and learns: ${whole ? "every check" : "one check of each kind of each operation (PULLBACK_WEBGL=all: every one)"}`, async () => {
    const outcome = await outcomeOf("tfjs:webgl", false, whole ? "all" : "operations", onProcessor);
    expectRight(outcome, "tfjs:webgl", whole ? 1800 : 400);
  }, 900_000);

  test("tfjs:webgl mixes with the host where arrays are small", async () => {
    expectRight(await outcomeOf("tfjs:webgl", true, "none"), "tfjs:webgl", 0);
  }, 120_000);

  test("tfjs:webgpu learns where there is an adapter, and says so where there is none", async () => {
    const outcome = await outcomeOf("tfjs:webgpu", false, "none");
    if (outcome.refused === undefined) expectRight(outcome, "tfjs:webgpu", 0);
    else {
      expect(outcome.refused).toMatch(/tfjs:webgpu does not start here.*no WebGPU adapter/s);
      expect(outcome.device).toBe("eager");
    }
  }, 120_000);

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
