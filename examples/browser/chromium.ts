/** Headless Chromium with the page of this folder: built by Vite through our plugin, served locally, opened and asked. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type BrowserContext, chromium, type Page } from "playwright-core";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "..", "..");

/** Undefined where the machine has none. */
export const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
  existsSync,
);

/** WebGL and WebGPU in software, whose canvases share one compositor. */
const graphicsInSoftware = [
  ...["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
  ...["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--use-vulkan=swiftshader"],
  "--enable-features=Vulkan,WebGPU",
];

/** As a user builds: Vite's command in a process of its own. */
export async function buildPage(folder: string, ...options: readonly string[]): Promise<void> {
  const vite = join(root, "node_modules/vite/bin/vite.js");
  const own = ["build", here, "--logLevel", "error", "--outDir", folder];
  await promisify(execFile)(process.execPath, [vite, ...own, ...options]);
}

const types: Record<string, string> = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };

/** Serves bundles by the beginning of their address, the cases under /tensor/ and the binaries of tfjs under /wasm/. */
export function serve(bundles: Readonly<Record<string, string>>, headers: Record<string, string>): Promise<Server> {
  const folders: Record<string, string> = {
    "/tensor/": join(root, "packages/core/testdata/tensor"),
    "/wasm/": join(root, "node_modules/@tensorflow/tfjs-backend-wasm/dist"),
    ...bundles,
  };
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    const prefix = Object.keys(folders).find((own) => path.startsWith(own))!;
    const file = join(folders[prefix]!, path === prefix ? "index.html" : path.slice(prefix.length));
    try {
      const content = await readFile(file);
      response.writeHead(200, { "Content-Type": types[extname(file)] ?? "application/octet-stream", ...headers });
      response.end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

export function stop(server: Server): void {
  server.close();
  server.closeAllConnections();
}

/** @param profile an empty folder */
export function launch(profile: string): Promise<BrowserContext> {
  return chromium.launchPersistentContext(profile, {
    executablePath: executablePath!,
    headless: true,
    args: [
      ...["--no-sandbox", "--disable-quic", "--no-first-run"],
      ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
      ...graphicsInSoftware,
    ],
  });
}

/** A page at an address of the server, once what it does has begun. */
export async function open(
  browser: BrowserContext,
  server: Server,
  address: string,
  watch: (page: Page) => void = () => undefined,
): Promise<Page> {
  const { port } = server.address() as AddressInfo;
  const page = await browser.newPage();
  watch(page);
  await page.goto(`http://127.0.0.1:${port}${address}`);
  await page.waitForFunction("globalThis.outcome !== undefined", undefined, { timeout: 60_000 });
  return page;
}

/** What the page found, when it has. */
export const outcomeOf = <T>(page: Page): Promise<T> => page.evaluate("globalThis.outcome") as Promise<T>;
