/** Node 20's form of the hooks (`module.register`): asynchronous, in a thread of their own. */
import { compiler } from "./compiler.ts";
import { alternative, conditionsFor, isInstalledSource, NodeFiles } from "./node-files.ts";

interface ResolveContext {
  conditions?: string[];
  parentURL?: string;
}

type Next<C> = (specifier: string, context: C) => Promise<unknown>;

const files = new NodeFiles(compiler);

export async function resolve(
  specifier: string,
  context: ResolveContext,
  next: Next<ResolveContext>,
): Promise<unknown> {
  const widened = { ...context, conditions: conditionsFor(context.conditions) };
  try {
    const found = (await next(specifier, widened)) as { url: string };
    return isInstalledSource(found.url) ? await next(specifier, context) : found;
  } catch {
    const other = alternative(specifier, context.parentURL);
    if (other === undefined) return next(specifier, context);
    return next(other, widened);
  }
}

export async function load(url: string, context: object, next: Next<object>): Promise<unknown> {
  return files.load(url) ?? next(url, context);
}
