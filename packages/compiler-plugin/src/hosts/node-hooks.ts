/** Node 20's form of the hooks (`module.register`): asynchronous, in a thread of their own. */
import { compiler } from "./compiler.ts";
import { alternative, conditionsFor, NodeFiles } from "./node-files.ts";

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
    return await next(specifier, widened);
  } catch (error) {
    const other = alternative(specifier, context.parentURL);
    if (other === undefined) throw error;
    return next(other, widened);
  }
}

export async function load(url: string, context: object, next: Next<object>): Promise<unknown> {
  return files.load(url) ?? next(url, context);
}
