/** The page of this folder, built by Vite through our plugin, in headless Chromium. */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type BrowserContext, chromium } from "playwright-core";
import type { Outcome } from "./main.ts";

const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "..", "..");
const folder = mkdtempSync(join(tmpdir(), "pullback-browser-"));
const bundle = join(folder, "bundle");

const types: Record<string, string> = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };
const folders: Record<string, string> = {
  "/tensor/": join(root, "packages/core/testdata/tensor"),
  "/wasm/": join(root, "node_modules/@tensorflow/tfjs-backend-wasm/dist"),
  "/": bundle,
};
const isolation = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };

/** Serves the bundle, the cases and the binaries, with or without the headers that allow shared memory. */
function serve(isolated: boolean): Promise<Server> {
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    const prefix = Object.keys(folders).find((own) => path.startsWith(own))!;
    const file = join(folders[prefix]!, path === "/" ? "index.html" : path.slice(prefix.length));
    try {
      const content = await readFile(file);
      const type = types[extname(file)] ?? "application/octet-stream";
      response.writeHead(200, { "Content-Type": type, ...(isolated ? isolation : {}) });
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
  const servers: Server[] = [];

  beforeAll(async () => {
    // As a user builds: Vite's command in a process of its own.
    const vite = join(root, "node_modules/vite/bin/vite.js");
    await promisify(execFile)(process.execPath, [vite, "build", here, "--outDir", bundle, "--logLevel", "error"]);
    servers.push(await serve(false), await serve(true));
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
  }, 300_000);

  afterAll(async () => {
    await browser?.close();
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
    rmSync(folder, { recursive: true, force: true });
  });

  /** What the page found on a backend. */
  async function outcomeOf(backend: string, isolated: boolean, every: number): Promise<Outcome> {
    const { port } = servers[isolated ? 1 : 0]!.address() as AddressInfo;
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    await page.goto(`http://127.0.0.1:${port}/?backend=${backend}&every=${every}`);
    await page.waitForFunction("globalThis.outcome !== undefined", undefined, { timeout: 20_000 });
    const outcome = (await page.evaluate("globalThis.outcome")) as Outcome;
    await page.close();
    expect(errors).toEqual([]);
    expect(outcome.isolated).toBe(isolated);
    return outcome;
  }

  function expectRight(outcome: Outcome, backend: string, checks: number): void {
    expect(outcome.refused).toBeUndefined();
    expect(outcome.device).toBe(backend);
    expect(outcome.failures).toEqual([]);
    expect(outcome.checks).toBeGreaterThanOrEqual(checks);
    expect(outcome.losses.at(-1)!).toBeLessThan(0.1 * outcome.losses[0]!);
  }

  // On webgl training only: docs/backends.md says which operations are wrong there.
  test.each([
    ["eager", false, 1],
    ["eager", true, 1],
    ["lazy", true, 1],
    ["tfjs:cpu", false, 1],
    ["tfjs:wasm", false, 1],
    ["tfjs:wasm", true, 1],
    ["tfjs:webgl", false, 0],
  ])(
    "%s conforms and learns, cross-origin isolated: %s",
    async (backend, isolated, every) => {
      expectRight(await outcomeOf(backend, isolated, every), backend, every === 0 ? 0 : 1800 / every);
    },
    120_000,
  );

  test("tfjs:webgpu learns where there is an adapter, and says so where there is none", async () => {
    const outcome = await outcomeOf("tfjs:webgpu", false, 0);
    if (outcome.refused === undefined) expectRight(outcome, "tfjs:webgpu", 0);
    else {
      expect(outcome.refused).toMatch(/tfjs:webgpu does not start here.*no WebGPU adapter/s);
      expect(outcome.device).toBe("eager");
    }
  }, 120_000);
});
