/** Assignments: to variables, fields, elements and patterns; compound, logical, increments. */
import type ts from "typescript";
import type { Callee, Type, Value } from "../../hir/index.ts";
import { inert } from "../types/index.ts";
import {
  computedKey,
  global,
  hasAccessor,
  mayBeAccessor,
  mayBeField,
  property,
  reachesAccessor,
  slotOf,
  superProperty,
} from "./access.ts";
import { setLength } from "./arrays-in-place.ts";
import { memberCallee, superCallee } from "./callee.ts";
import { baseText } from "./calls.ts";
import { expression } from "./expressions.ts";
import type { Lowering } from "./lowering.ts";
import { binary } from "./operators.ts";
import { assignPattern } from "./patterns.ts";
import { transparent } from "./scan.ts";

/** A place whose object and key have been evaluated once. */
interface Place {
  read(): Value;
  write(value: Value): void;
}

export function assignment(s: Lowering, node: ts.BinaryExpression): Value {
  const { ts } = s;
  const K = ts.SyntaxKind;
  const target = transparent(ts, node.left);
  const kind = node.operatorToken.kind;
  if (kind === K.EqualsToken) {
    if (ts.isArrayLiteralExpression(target) || ts.isObjectLiteralExpression(target)) {
      const value = expression(s, node.right);
      assignPattern(s, target, value);
      return value;
    }
    const place = placeOf(s, target, node);
    const value = expression(s, node.right);
    if (ts.isIdentifier(target)) s.named(value, target.text);
    s.at(node);
    place.write(value);
    return value;
  }
  const place = placeOf(s, target, node);
  if (
    kind === K.AmpersandAmpersandEqualsToken ||
    kind === K.BarBarEqualsToken ||
    kind === K.QuestionQuestionEqualsToken
  ) {
    const current = place.read();
    const write = () => {
      const value = expression(s, node.right);
      place.write(value);
      return value;
    };
    const type = s.types.at(node);
    if (kind === K.AmpersandAmpersandEqualsToken) return s.select(current, write, () => current, type);
    if (kind === K.BarBarEqualsToken) return s.select(current, () => current, write, type);
    const absent = s.at(node).prim("==", [current, s.builder.const(null)]);
    return s.select(absent, write, () => current, type);
  }
  const current = place.read();
  const right = expression(s, node.right);
  const operator = node.operatorToken.getText().slice(0, -1);
  s.at(node);
  const value = binary(s, operator, current, right, s.types.at(node));
  if (ts.isIdentifier(target)) s.named(value, target.text);
  place.write(value);
  return value;
}

/** `++x`, `x--`. */
export function increment(s: Lowering, node: ts.PrefixUnaryExpression | ts.PostfixUnaryExpression): Value {
  const { ts } = s;
  const target = transparent(ts, node.operand);
  const place = placeOf(s, target, node);
  const before = place.read();
  const operator = node.operator === ts.SyntaxKind.PlusPlusToken ? "+" : "-";
  s.at(node);
  const one = s.builder.const(1, inert("Int"));
  const after = s.builder.prim(
    operator,
    [before, one],
    before.type.kind === "inert" ? before.type : { kind: "number" },
  );
  if (ts.isIdentifier(target)) s.named(after, target.text);
  place.write(after);
  return ts.isPostfixUnaryExpression(node) ? before : after;
}

/** Assigns a value that is there already (from a pattern, from for…of). */
export function assignTo(s: Lowering, target: ts.Expression, value: Value): void {
  const inner = transparent(s.ts, target);
  if (s.ts.isArrayLiteralExpression(inner) || s.ts.isObjectLiteralExpression(inner)) assignPattern(s, inner, value);
  else placeOf(s, inner, target).write(value);
}

function placeOf(s: Lowering, target: ts.Expression, node: ts.Node): Place {
  const { ts } = s;
  if (ts.isIdentifier(target)) return variablePlace(s, target);
  if (ts.isPropertyAccessExpression(target) && target.expression.kind === ts.SyntaxKind.SuperKeyword) {
    const place = superPlace(s, target);
    if (place !== undefined) return place;
  }
  if (ts.isPropertyAccessExpression(target) && target.expression.kind !== ts.SyntaxKind.SuperKeyword) {
    const symbol = s.host.symbolOf(target.name);
    const object = expression(s, target.expression);
    return fieldPlace(s, target, object, symbol);
  }
  if (ts.isElementAccessExpression(target)) {
    const object = expression(s, target.expression);
    const key = slotOf(s, object, target.argumentExpression);
    const type = s.types.at(target);
    if (key === undefined) {
      const computed = expression(s, target.argumentExpression);
      return textPlace(s, ["", "[", "]"], [object, computed], type, computedKey);
    }
    return {
      read: () => s.at(target).load(object, key, { type }),
      write: (value) => s.at(node).store(object, key, value),
    };
  }
  return textPlace(s, [target.getText()], [], s.types.at(target), {
    code: "PB1009",
    message: "This assignment cannot be differentiated.",
  });
}

function variablePlace(s: Lowering, target: ts.Identifier): Place {
  const symbol = s.host.symbolOf(target);
  const type = symbol === undefined ? s.types.at(target) : s.types.ofSymbol(symbol);
  const outside = textPlace(s, [target.text], [], type, {
    code: "PB4001",
    message: `${target.text} belongs to the code around the function that is differentiated.`,
    hint: "Return the value, or pass an object that holds it; withoutDerivative(…) for logging.",
  });
  return {
    read: () => {
      const value = symbol === undefined ? undefined : s.read(symbol);
      return value ?? global(s, target.text, type, symbol);
    },
    write: (value) => {
      if (symbol === undefined || !s.assign(symbol, value)) outside.write(value);
    },
  };
}

function fieldPlace(
  s: Lowering,
  target: ts.PropertyAccessExpression,
  object: Value,
  symbol: ts.Symbol | undefined,
): Place {
  const name = target.name.text;
  return {
    read: () => property(s, target, object, name, symbol),
    write: (value) => {
      s.at(target);
      if (symbol !== undefined && mayBeAccessor(s, symbol) && !s.host.isAmbient(symbol)) {
        const callee: Callee | undefined = memberCallee(s, symbol, name, "set");
        if (callee !== undefined && reachesAccessor(callee)) {
          const set = () => {
            s.builder.call(callee, [object, value], inert("undefined"), { effects: true });
          };
          if (!mayBeField(callee)) set();
          else s.conditional(hasAccessor(s, object, name, "set"), set, () => s.builder.store(object, name, value));
          return;
        }
      }
      if (name === "length" && (object.type.kind === "array" || object.type.kind === "tuple")) {
        setLength(s, object, value);
      } else if (object.type.kind === "map" && object.type.record === true)
        s.builder.store(object, s.builder.const(name), value);
      else s.builder.store(object, name, value);
    },
  };
}

/** `super.name`, read and written by the accessors of the base class. */
function superPlace(s: Lowering, target: ts.PropertyAccessExpression): Place | undefined {
  const symbol = s.host.symbolOf(target.name);
  const self = s.read("this");
  const base = baseText(s, target);
  const name = target.name.text;
  const callee = symbol === undefined ? undefined : superCallee(s, symbol, base, name, "set");
  if (callee?.kind !== "known" || self === undefined) return undefined;
  const text = `Object.getOwnPropertyDescriptor(${base}.prototype, ${JSON.stringify(name)}).set`;
  return {
    read: () => superProperty(s, target, symbol),
    write: (value) => {
      s.at(target).call({ ...callee, text }, [self, value], inert("undefined"), { effects: true });
    },
  };
}

/** A place that is written as text. */
function textPlace(
  s: Lowering,
  parts: readonly string[],
  operands: readonly Value[],
  type: Type,
  refusal: { code: string; message: string; hint?: string },
): Place {
  return {
    read: () => s.builder.opaque(parts, operands, refusal, { type, file: s.file })!,
    write: (value) => {
      const last = parts.at(-1)!;
      s.builder.opaque([...parts.slice(0, -1), `${last} = `, ""], [...operands, value], refusal, {
        file: s.file,
        effects: true,
        keeps: true,
      });
    },
  };
}
