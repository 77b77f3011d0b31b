/** The table of golden cases as tests of one backend. */
import { afterAll, beforeAll, describe, test } from "@jest/globals";
import { checksOf, loadAreas, runCheck } from "../../conformance/index.ts";
import { closeBackend, useBackend } from "../../index.ts";

export async function conform(device: string): Promise<void> {
  beforeAll(() => useBackend(device));
  afterAll(() => closeBackend(device));
  for (const area of await loadAreas())
    describe(area.name, () => {
      for (const check of checksOf(area)) test(check.id, () => runCheck(check));
    });
}
