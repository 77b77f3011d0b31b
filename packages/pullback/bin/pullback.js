#!/usr/bin/env node
// The command line. In a fresh clone the compiler is still TypeScript: the workspace's bootstrap strips it first.
import { existsSync, readFileSync } from "node:fs";

const bootstrap = new URL("../../../scripts/bootstrap.mjs", import.meta.url);
if (existsSync(new URL("../src", import.meta.url)) && existsSync(bootstrap)) await import(bootstrap.href);

const { Command, Option } = await import("commander");
const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

/** Runs a command, leaving its exit status to be reported once output is flushed; known errors are shown plainly. */
async function status(work) {
  try {
    process.exitCode = await work(await import("@pullback/compiler-plugin"));
  } catch (error) {
    if (!(error instanceof Error) || typeof error.code !== "string" || !error.code.startsWith("PB")) throw error;
    const color = process.stderr.isTTY === true && process.env.NO_COLOR === undefined;
    process.stderr.write(color ? error.message.replace(/^PB\d+/, "\u001b[31m$&\u001b[0m") : error.message);
    process.stderr.write("\n");
    process.exitCode = 1;
  }
}

const program = new Command("pullback")
  .description("Differentiable programming for TypeScript.")
  .version(version)
  .enablePositionalOptions()
  .showHelpAfterError();

program
  .command("run")
  .description("compile and run a TypeScript file")
  .argument("<file>", "the program")
  .argument("[arguments...]", "handed to the program")
  .addOption(
    new Option("--node-option <option>", "an option for Node itself, such as --max-old-space-size=8192; repeatable")
      .argParser((value, previous = []) => [...previous, value])
      .default([], "none"),
  )
  .passThroughOptions()
  .action((file, args, { nodeOption }) => status(({ run }) => run(file, args, { nodeOptions: nodeOption })));

program
  .command("check")
  .description("report what cannot be differentiated, and run nothing")
  .argument("[project]", "a file, a folder or a tsconfig.json (default: the current folder)")
  .option("--json", "print an array of diagnostics for programs to read")
  .option("--watch", "check again whenever a file changes (with --json, one array per line)")
  .action((project, { json, watch: watching }) =>
    status(({ check, watch }) => {
      if (watching !== true) return check(project, { json: json === true });
      const stop = new AbortController();
      process.once("SIGINT", () => stop.abort());
      process.once("SIGTERM", () => stop.abort());
      return watch(project, { json: json === true }, stop.signal);
    }),
  );

program
  .command("build")
  .description("write JavaScript with derivatives, source maps, type declarations and pullback.json")
  .argument("[project]", "a folder or a tsconfig.json (default: the current folder)")
  .option("--out-dir <folder>", "where the output goes (default: the configured outDir, or dist)")
  .addOption(
    new Option(
      "--orders <count>",
      "how often dependents can differentiate what the package publishes; 1 makes less code",
    )
      .choices(["1", "2", "3"])
      .default("2"),
  )
  .action((project, { outDir, orders }) =>
    status(({ build }) => build(project, { ...(outDir === undefined ? {} : { outDir }), orders: Number(orders) })),
  );

program
  .command("explain")
  .description("print a function and the derivative that the compiler writes for it")
  .argument("<file:function>", "file.ts:name, file.ts:Class.method or file.ts:line")
  .option("--split", "the forward and backward functions that callers use")
  .option("--forward", "the function of forward mode")
  .option("--mask <mask>", 'which parameters are active: one "1" or "0" each, the receiver first')
  .action((target, { split, forward, mask }) =>
    status(({ explain }) =>
      explain(target, { split: split === true, forward: forward === true, ...(mask === undefined ? {} : { mask }) }),
    ),
  );

await program.parseAsync();
