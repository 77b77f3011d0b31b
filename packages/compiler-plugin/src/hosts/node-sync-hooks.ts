/** The form of the hooks that newer Nodes have (`module.registerHooks`): synchronous, in the program's own thread. */
import { compiler } from "./compiler.ts";
import { alternative, conditionsFor, NodeFiles } from "./node-files.ts";

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
        return next(specifier, widened);
      } catch (error) {
        const other = alternative(specifier, context.parentURL);
        if (other === undefined) throw error;
        return next(other, widened);
      }
    },
    load: (url, context, next) => files.load(url) ?? next(url, context),
  };
}
