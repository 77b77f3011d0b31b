import { expect, test } from "@jest/globals";
import type { StructType, Type } from "../hir/types.ts";
import { fieldsText, shapeText } from "./shape.ts";

const number: Type = { kind: "number" };
const inert: Type = { kind: "inert", text: "string" };

function struct(fields: Record<string, Type>, classKey?: string): StructType {
  const map = new Map(Object.entries(fields));
  return { kind: "struct", name: "S", fields: () => map, ...(classKey === undefined ? {} : { classKey }) };
}

test("shapes say what the value alone would not", () => {
  expect(shapeText(number)).toBe('"v"');
  expect(shapeText(inert)).toBe('"-"');
  expect(shapeText({ kind: "array", element: number })).toBe('"r"');
  expect(shapeText({ kind: "array", element: inert })).toBe('{ items: "-" }');
  expect(shapeText({ kind: "tuple", elements: [number, inert] })).toBe('{ tuple: ["v", "-"] }');
  expect(shapeText(struct({ x: number, count: inert }))).toBe('{ fields: { x: "v" } }');
  expect(shapeText(struct({ x: number }, "a.ts#S"))).toBe('"r"');
});

test("recursive types end where they repeat", () => {
  const fields = new Map<string, Type>();
  const tree: StructType = { kind: "struct", name: "Tree", fields: () => fields };
  fields.set("value", number).set("children", { kind: "array", element: tree });
  expect(shapeText(tree)).toBe('{ fields: { value: "v", children: "r" } }');
});

test("descriptors name private fields without #, and quote what is no identifier", () => {
  expect(fieldsText(struct({ "#x": number, "a-b": number, label: inert }).fields())).toBe('{ x: "v", ["a-b"]: "v" }');
});
