/** `node --import @pullback/compiler-plugin/register file.ts`: compiles TypeScript as Node loads it. */
import * as nodeModule from "node:module";

// Stack traces then lead to the TypeScript as it was written.
process.setSourceMapsEnabled(true);

const { registerHooks } = nodeModule as { registerHooks?: (hooks: object) => unknown };
if (registerHooks === undefined) nodeModule.register("./node-hooks.js", import.meta.url);
else registerHooks((await import("./node-sync-hooks.ts")).syncHooks());
