import { expect, test } from "@jest/globals";
import { highlight } from "./highlight.ts";

test("colours tokens and changes nothing else", () => {
  const text = 'const d_x = 2.5 * f("return"); // if\nconstant + x2;';
  const colored = highlight(text);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ANSI escapes are the subject
  expect(colored.replace(/\u001b\[\d+m/g, "")).toBe(text);
  expect(colored).toContain("\u001b[35mconst\u001b[0m");
  expect(colored).toContain("\u001b[36md_x\u001b[0m");
  expect(colored).toContain("\u001b[33m2.5\u001b[0m");
  expect(colored).toContain('\u001b[32m"return"\u001b[0m');
  expect(colored).toContain("\u001b[2m// if\u001b[0m");
  expect(colored).toContain("\nconstant + x2;");
});
