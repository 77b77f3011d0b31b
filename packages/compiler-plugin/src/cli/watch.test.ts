/** `pullback check --watch` in a child process: a change, a new file, an interrupt. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { afterAll, expect, test } from "@jest/globals";
import { TemporaryProject } from "../../testdata/temporary-project.ts";
import type { ReportedDiagnostic } from "./check.ts";

const program = (body: string) =>
  `import { gradient } from "@pullback/autodiff";\nconsole.log(gradient((x: number) => ${body})(3));\n`;

const project = new TemporaryProject({ "main.ts": program("x * x") });
afterAll(() => project.remove());

test("one JSON array per check, until it is interrupted", async () => {
  const child = spawn(process.execPath, project.command("check", ".", "--watch", "--json"), {
    cwd: project.folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const codes = async () => {
    const { value } = await lines.next();
    return (JSON.parse(value) as ReportedDiagnostic[]).map(({ code, place }) => `${code} line ${place.line}`);
  };
  try {
    expect(await codes()).toEqual([]);
    project.write({ "main.ts": program("(x | 4) * x") });
    expect(await codes()).toEqual(["PB1007 line 2"]);
    project.write({ "other.ts": `\n${program("(x & 1) * x")}` });
    expect(await codes()).toEqual(expect.arrayContaining(["PB1007 line 2", "PB1007 line 3"]));
    child.kill("SIGINT");
    expect(await ended).toBe(1);
  } finally {
    child.kill("SIGKILL");
  }
}, 120_000);
