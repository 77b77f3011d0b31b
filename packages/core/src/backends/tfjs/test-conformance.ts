/** The table of golden cases as tests of one backend, wholly or in part. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { checksOf, loadAreas, runCheck } from "../../conformance/index.ts";
import { closeBackend, useBackend, withBackend } from "../../index.ts";

/** The failures among the first checks of each kind of each operation. */
export async function failuresOfSample(device: string): Promise<string[]> {
  const failures: string[] = [];
  const done = new Set<string>();
  await withBackend(device, async () => {
    for (const area of await loadAreas())
      for (const check of checksOf(area)) {
        const kind = `${check.op} ${check.kind}`;
        if (done.has(kind)) continue;
        done.add(kind);
        await runCheck(check).catch((error: Error) => failures.push(`${check.id}: ${error.message}`));
      }
  });
  expect(done.size).toBeGreaterThan(450);
  return failures;
}

export async function conform(device: string): Promise<void> {
  beforeAll(() => useBackend(device));
  afterAll(() => closeBackend(device));
  for (const area of await loadAreas())
    describe(area.name, () => {
      for (const check of checksOf(area)) test(check.id, () => runCheck(check));
    });
}
