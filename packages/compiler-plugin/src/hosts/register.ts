/** `node --import @pullback/compiler-plugin/register file.ts`: compiles TypeScript as Node loads it. */
import { register } from "node:module";

register("./node-hooks.js", import.meta.url);
