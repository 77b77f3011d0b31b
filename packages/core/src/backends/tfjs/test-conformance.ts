/** The table of golden cases as tests of one engine. */
import { afterAll, beforeAll, describe, test } from "@jest/globals";
import { checksOf, runCheck } from "../../conformance/index.ts";
import { areas } from "../../conformance/testdata.ts";
import { closeBackend, type TfjsEngine, useBackend } from "../../index.ts";

export function conform(engine: TfjsEngine): void {
  beforeAll(() => useBackend("tfjs", { engine }));
  afterAll(() => closeBackend(`tfjs:${engine}`));
  for (const area of areas())
    describe(area.name, () => {
      for (const check of checksOf(area)) test(check.id, () => runCheck(check));
    });
}
