/** Was it the stack's end? Not by instanceof: other realms, as under jest, have errors of their own. */
export const isTooDeep = (error: unknown): boolean =>
  /^Maximum call stack/.test(String((error as Error | undefined)?.message ?? ""));
