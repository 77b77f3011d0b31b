/** The table of golden cases as tests of one engine. */
import { afterAll, beforeAll, describe, test } from "@jest/globals";
import { checksOf, loadAreas, runCheck } from "../../conformance/index.ts";
import { closeBackend, type TfjsEngine, useBackend } from "../../index.ts";

export async function conform(engine: TfjsEngine): Promise<void> {
  beforeAll(() => useBackend("tfjs", { engine }));
  afterAll(() => closeBackend(`tfjs:${engine}`));
  for (const area of await loadAreas())
    describe(area.name, () => {
      for (const check of checksOf(area)) test(check.id, () => runCheck(check));
    });
}
