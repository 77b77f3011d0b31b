/** The stages of this package, put together. TypeScript itself is loaded by the first call that needs it. */
import type { Compiler } from "../compile/index.ts";
import { stripTypes } from "../frontend/host/index.ts";

async function load(): Promise<Compiler | undefined> {
  try {
    const [{ differentiate }, { emitDerivative }, { createProgram }] = await Promise.all([
      import("../ad/index.ts"),
      import("../emit/index.ts"),
      import("../frontend/index.ts"),
    ]);
    return { createProgram, differentiate, emitDerivative, stripTypes } as Compiler;
  } catch (error) {
    // INTERIM while the stages are being written: hosts strip types only.
    if (process.env.PULLBACK_DEBUG !== undefined) console.error(error);
    return undefined;
  }
}

export { stripTypes };
/** INTERIM: undefined at run time while the switch is off; the hosts that must work then ask. */
export const compiler = (await load()) as Compiler & { stripTypes: typeof stripTypes };
