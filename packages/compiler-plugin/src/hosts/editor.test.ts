/** The plugin in a real TypeScript server: diagnostics of unsaved text, and a fix. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, expect, test } from "@jest/globals";
import { TemporaryProject } from "../../testdata/temporary-project.ts";

const good = `import { gradient } from "@pullback/autodiff";
class Model {
  constructor(readonly size: number) {}
  get twice(): number {
    return 2 * this.size;
  }
}
console.log(gradient((m: Model, x: number) => m.size * x)(new Model(2), 3));
`;

const project = new TemporaryProject({
  "tsconfig.json": JSON.stringify({
    compilerOptions: {
      ...{ target: "ES2022", module: "NodeNext", strict: true, types: [], skipLibCheck: true, noEmit: true },
      customConditions: ["@pullback/source"],
      plugins: [{ name: "@pullback/compiler-plugin" }],
    },
    include: ["*.ts"],
  }),
  "main.ts": good,
});
afterAll(() => project.remove());

interface Response {
  readonly request_seq?: number;
  readonly success?: boolean;
  readonly body?: any;
}

test("diagnostics and fixes through tsserver", async () => {
  const file = join(project.folder, "main.ts");
  const server = spawn(process.execPath, [join(project.folder, "node_modules/typescript/lib/tsserver.js")], {
    cwd: project.folder,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: server.stdout });
  const waiting = new Map<number, (response: Response) => void>();
  lines.on("line", (line) => {
    if (!line.startsWith("{")) return;
    const message = JSON.parse(line) as Response;
    if (message.request_seq !== undefined) waiting.get(message.request_seq)?.(message);
  });
  let seq = 0;
  const send = (command: string, args: object) =>
    server.stdin.write(`${JSON.stringify({ seq: ++seq, type: "request", command, arguments: args })}\n`);
  const ask = (command: string, args: object) =>
    new Promise<Response>((resolve) => {
      send(command, args);
      waiting.set(seq, resolve);
    });
  try {
    send("open", { file, fileContent: good });
    const first = await ask("semanticDiagnosticsSync", { file });
    expect(first.body.map(({ text }: { text: string }) => text.split(":")[0])).toEqual(["PB2011"]);
    const fixes = await ask("getCodeFixes", {
      ...{ file, startLine: 4, startOffset: 7, endLine: 4, endOffset: 12, errorCodes: [2011] },
    });
    expect(fixes.body.map(({ fixName }: { fixName: string }) => fixName)).toContain("pullback-PB2011");
    const [fix] = fixes.body.filter(({ fixName }: { fixName: string }) => fixName === "pullback-PB2011");
    const texts = fix.changes[0].textChanges.map(({ newText }: { newText: string }) => newText);
    expect(texts).toEqual([", type NoDerivative", "NoDerivative<number>"]);
    // Unsaved: m.size * x becomes (m.size | 1) * x.
    send("change", { file, line: 8, offset: 47, endLine: 8, endOffset: 57, insertString: "(m.size | 1) * x" });
    const second = await ask("semanticDiagnosticsSync", { file });
    expect(second.body).toContainEqual(
      expect.objectContaining({ code: 1007, category: "error", start: { line: 8, offset: expect.any(Number) } }),
    );
  } finally {
    server.kill();
  }
}, 180_000);
