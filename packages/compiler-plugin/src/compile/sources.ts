/** The TypeScript sources in a folder, where no configuration lists them. */
import { readdirSync } from "node:fs";
import { join } from "node:path";

/** Folders that hold no source of the project's own; what they hold is reached by import. */
const passedOver = new Set(["node_modules", "dist", "build", "coverage", "testdata", "fixtures", "__snapshots__"]);

export function* typescriptFiles(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) {
      if (!passedOver.has(entry.name) && !entry.name.startsWith(".")) yield* typescriptFiles(join(folder, entry.name));
    } else if (/\.m?ts$/.test(entry.name) && !/\.d\.m?ts$/.test(entry.name)) {
      yield join(folder, entry.name).replaceAll("\\", "/");
    }
  }
}
