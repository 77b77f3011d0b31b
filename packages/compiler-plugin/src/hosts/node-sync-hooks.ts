/** The form of the hooks that newer Nodes have (`module.registerHooks`): synchronous, in the program's own thread. */
import { compiler } from "./compiler.ts";
import { alternative, conditionsFor, isInstalledSource, NodeFiles } from "./node-files.ts";

interface ResolveContext {
  conditions?: string[];
  parentURL?: string | undefined;
}

type Next<C> = (specifier: string, context?: C) => unknown;

export interface SyncHooks {
  resolve(specifier: string, context: ResolveContext, next: Next<ResolveContext>): unknown;
  load(url: string, context: object, next: Next<object>): unknown;
}

export function syncHooks(): SyncHooks {
  const files = new NodeFiles(compiler);
  return {
    resolve(specifier, context, next) {
      const widened = { ...context, conditions: conditionsFor(context.conditions) };
      try {
        const found = next(specifier, widened) as { url: string };
        return isInstalledSource(found.url) ? next(specifier, context) : found;
      } catch {
        const other = alternative(specifier, context.parentURL);
        return other === undefined ? next(specifier, context) : next(other, widened);
      }
    },
    load: (url, context, next) => files.load(url) ?? next(url, context),
  };
}
