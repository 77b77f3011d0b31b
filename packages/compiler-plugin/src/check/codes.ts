/**
 * Every diagnostic code with its title, explanation and remedy. Numbers are never reused: PB1xxx syntax, PB2xxx types
 * and tangents, PB3xxx calls and registration, PB4xxx mutation and aliasing, PB5xxx performance and always-zero
 * warnings, PB9xxx set-up.
 */

export interface CodeExplanation {
  readonly title: string;
  readonly explanation: string;
  readonly remedy: string;
}

const explain = (title: string, explanation: string, remedy: string): CodeExplanation => ({
  title,
  explanation,
  remedy,
});

export const codes = {
  PB1001: explain(
    "An async function or await cannot be differentiated",
    "A derivative runs its forward and reverse sweeps without yielding; a value that arrives later has no place in it.",
    "Await the data first, then differentiate a synchronous function of it.",
  ),
  PB1002: explain(
    "A generator cannot be differentiated",
    "A generator hands control to its caller in the middle of its body, so its reverse sweep has no single start.",
    "Return an array, or loop in place.",
  ),
  PB1003: explain(
    "for…in over active values cannot be differentiated",
    "It enumerates names, inherited ones included, in an order that the program does not state.",
    "Use for…of over Object.entries(…) of a record, or over an array.",
  ),
  PB1004: explain(
    "Iteration over a general iterable with active elements cannot be differentiated",
    "Only arrays, typed arrays and Maps keep their elements where the reverse sweep can find them.",
    "Copy the elements into an array first.",
  ),
  PB1005: explain(
    "A computed key on an object with differentiable fields cannot be differentiated",
    "Which field is meant is known only at run time, and the fields of a struct need not have the same type.",
    "Use an array, a Map or a Record<string, T>, or name the field.",
  ),
  PB1006: explain(
    "eval, with and arguments cannot be differentiated",
    "They reach variables by means that the compiler cannot follow.",
    "Use parameters; a rest parameter replaces arguments.",
  ),
  PB1007: explain(
    "A bit operation on an active number cannot be differentiated",
    "Bit operations turn a number into an integer, where the derivative is zero or undefined.",
    "Use arithmetic, or withoutDerivative(x) where the number is an index or a count.",
  ),
  PB1008: explain(
    "A function that may throw changes active values inside a try",
    "An exception that is caught discards the record of the call, so what the call had changed by then would have no derivative. Functions of the program are called in a form that keeps its record and returns the exception; a function of an installed package has none, and a gradient that is taken in the try would have to put back what its function had changed when it threw.",
    "Let the function return what it computes, or throw before it changes anything that it was given.",
  ),
  PB1009: explain(
    "This syntax cannot be differentiated",
    "The compiler runs it as it stands and does not know its derivative, but an active value passes through it.",
    "Write it with the supported language, or stop the derivative with withoutDerivative(…).",
  ),
  PB1010: explain(
    "An active value is turned into text",
    "A string has no derivative.",
    "Use withoutDerivative(x) in messages and keys.",
  ),
  PB1011: explain(
    "A class that is declared inside a function that is differentiated, or a function inside a namespace",
    "Its derivatives would have to stand where it is declared, and are needed outside of it.",
    "Move the declaration to the top level of its module.",
  ),
  PB1012: explain(
    "An expression is nested too deeply",
    "The compiler, like TypeScript's own, follows the nesting of an expression by recursion, and here its stack ended: hundreds of parentheses or calls in one expression, as generated programs may have. A sum of many terms is not nested in this sense.",
    "Write it as several statements, or as a loop over an array.",
  ),
  PB2001: explain(
    "gradient needs a number or a one-element leaf as the result",
    "The gradient is the pullback of 1; a result with several components has no single 1.",
    "Reduce the result to a number (a sum, a loss), or use pullback(f) and pass the cotangent.",
  ),
  PB2002: explain(
    "There is no differentiable parameter",
    "Every parameter's type has no tangent (strings, booleans, Int, NoDerivative, plain functions).",
    "Take a number, array, object with differentiable fields, or leaf as a parameter.",
  ),
  PB2003: explain(
    "A value of type any or unknown is active",
    "Without a type the compiler cannot tell what its tangent is.",
    "Give it a type, or stop the derivative with withoutDerivative(…).",
  ),
  PB2004: explain(
    "The result has no tangent",
    "The function returns nothing, or a type without tangent.",
    "Return the value whose derivative is wanted.",
  ),
  PB2005: explain(
    "wrt names a parameter that cannot be differentiated",
    "The position is out of range, given twice, or its parameter's type has no tangent.",
    "List positions of differentiable parameters, counted from 0.",
  ),
  PB2007: explain(
    "An active value is stored in an integer array",
    "Integer arrays round what they store; they have no tangent.",
    "Use Float64Array, Float32Array or number[].",
  ),
  PB2008: explain(
    "wrt must be written out",
    "Which parameters are differentiated is decided when the program is compiled.",
    "Write wrt as a number or a list of numbers at the call.",
  ),
  PB2009: explain(
    "derivative needs numbers as parameters",
    "The derivative moves one number at unit speed; an array or object has no single direction.",
    "Use differential(f)(…)(tangent) for one direction, jacobian(f) for all of them, or choose parameters with { wrt }.",
  ),
  PB2010: explain(
    "A hyper-parameter would be trained",
    "In a type that holds leaves, a plain number field has a tangent and optimizers move it.",
    "Brand it: NoDerivative<number>, or Int for counts.",
  ),
  PB2011: explain(
    "A get-only accessor looks like a differentiable field",
    "TypeScript cannot tell a getter from a readonly field, so TangentVector would list it.",
    "Declare its type NoDerivative<…>.",
  ),
  PB2012: explain(
    "A matrix of derivatives of something else than numbers",
    "jacobian and hessian lay derivatives out by number: of one parameter and a result that are numbers, arrays of numbers or leaves.",
    "Use differential, pullback or hessianVectorProduct for one direction, and fix other parameters in a function literal.",
  ),
  PB2013: explain(
    "gradientDtype names another precision than float32",
    "Cotangents of half-precision values are summed up in float32 inside a derivative, and rounded once when they leave it.",
    'Write { gradientDtype: "float32" } to keep them as they were summed up, or leave it out.',
  ),
  PB2020: explain(
    "A type error inside a function that is differentiated",
    "Types decide what is differentiable, so the compiler does not guess where they are wrong.",
    "Correct the type error.",
  ),
  PB2906: explain(
    "Forward mode through a type that brings its own tangent",
    "A Manifold says how cotangents become its own tangent, not how a tangent becomes one by fields.",
    "Use gradient or pullback, or differentiate with respect to the fields.",
  ),
  PB2902: explain(
    "move cannot change a bare number or leaf in place",
    "Numbers and leaves are values: there is no object to update.",
    "Use moved(x, t), which returns the new value.",
  ),
  PB2903: explain(
    "A tangent does not fit",
    "It has another structure than the value, or than the tangents it is combined with.",
    "Use the tangent that the operator gave for this very value.",
  ),
  PB2904: explain(
    "A cyclic value cannot be differentiated",
    "An object contains itself, so its tangent would never end.",
    "Give the field that points back (a parent, an owner) the type NoDerivative<…>.",
  ),
  PB2905: explain(
    "A type brings its own tangent but cannot take one back",
    "A value of the type is the result of a pullback's function, and its Manifold has no embed.",
    "Add embed(x, t) to the Manifold.",
  ),
  PB3001: explain(
    "A function without a derivative is called with active values",
    "Its body is not part of the program and nobody registered a derivative for it.",
    "Register one with registerDerivative(…), or stop the derivative with withoutDerivative(…).",
  ),
  PB3002: explain(
    "This Math function has no derivative",
    "Its result is not a differentiable function of its arguments.",
    "Use arithmetic, or withoutDerivative(…).",
  ),
  PB3003: explain(
    "The compiler cannot see the function behind this value",
    "A DifferentiableFunction is wanted, but this expression is neither a function literal, nor a function of the program, nor of type DifferentiableFunction.",
    "Pass a function literal or a named function, or give the variable the type DifferentiableFunction<…>.",
  ),
  PB3004: explain(
    "A function value carries no derivative",
    "It reached a differential operator, or active code, without having passed the compiler.",
    "Give the place that holds it the type DifferentiableFunction<…>, or wrap it in differentiable(…) where it is defined.",
  ),
  PB3005: explain(
    "A differential operator needs a function",
    "It was given something else, typically the result of the function instead of the function.",
    "Write gradient(f)(x), not gradient(f(x)).",
  ),
  PB3006: explain(
    "Two derivatives are registered for one target",
    "A function has one derivative in a program.",
    "Remove one of the two registrations.",
  ),
  PB3007: explain(
    "wrt of a registration does not fit its target",
    "It names a position twice, out of range, or a receiver that is not there.",
    'List each differentiable parameter once by its position, counted from 0; the receiver is "this".',
  ),
  PB3008: explain(
    "The target of a registration cannot be resolved",
    'A target is a function, Class.prototype.method, a class, or getter(Class, "name"), named directly.',
    "Name the declaration itself.",
  ),
  PB3009: explain(
    "A registration must be a top-level statement",
    "Registrations hold for the whole program, so the compiler must see them without running it.",
    "Move registerDerivative(…) to the top level of its module.",
  ),
  PB3013: explain(
    "A registered derivative has no forward mode",
    "derivative, differential, jacobian and hessianVectorProduct need the jvp of everything that they pass through.",
    "Give the registration a jvp: registerDerivative(f, { vjp, jvp: (x, y) => ({ value, differential: (dx, dy) => … }) }).",
  ),
  PB3011: explain(
    "A function has no compiled derivative with respect to a parameter",
    "It was compiled for other active parameters, in another package.",
    "Tag it /** @differentiable */ where it is declared and compile that package again.",
  ),
  PB3012: explain(
    "Active arguments are spread into a call whose parameters cannot be matched",
    "How many arguments an array stands for is known only at run time.",
    "Pass the arguments one by one, or declare a rest parameter.",
  ),
  PB3014: explain(
    "A derivative cannot be differentiated again",
    "Second derivatives go through forward mode: the jvp of a registration must be written in place, an operator must be applied to a function that is seen, and what would run a second time must not write into what it is given.",
    "Write the function, or the rule, where the compiler sees it; copy what it changes.",
  ),
  PB3015: explain(
    "A registered derivative has no reverse mode",
    "gradient and pullback need the vjp of everything that they pass through.",
    "Give the registration a vjp: registerDerivative(f, { vjp: (x, y) => ({ value, pullback: (ct) => [ … ] }), jvp }).",
  ),
  PB3020: explain(
    "A package was compiled for another version of the binary interface",
    "Its derivatives are laid out in a way that this compiler does not know.",
    "Build the package again with this version of Pullback, or align the versions.",
  ),
  PB3021: explain(
    "A package publishes no derivative of a function",
    "The package is compiled by Pullback, but nothing in it asked for this derivative.",
    "Tag the function @differentiable there and build the package again, or register a derivative.",
  ),
  PB3022: explain(
    "A package is not compiled by Pullback",
    "It ships JavaScript without derivatives.",
    "Register derivatives of the functions that are used, or compile the package with `pullback build`.",
  ),
  PB3023: explain(
    "A package does not publish this derivative",
    "The package is compiled by Pullback, but not for this mode or order. `pullback build` publishes both modes and the second order of everything tagged @differentiable and of every registration with a `vjp` and a `jvp`, where they can be had with all that they call; with `--orders 1` the first order alone, a package several times smaller, with `--orders 3` the third as well. What `hessian` makes of a function is of the second order, and of the third inside differentiated code.",
    "Tag the function there, or register both modes, and build the package again with `--orders 2` or `--orders 3`; or register a derivative of the function.",
  ),
  PB3024: explain(
    "A function took another way when it was run again",
    "Second derivatives may run a function several times. What has an effect on the world is done in the first of these runs and written down for the others; this one asked for something else than the first. It depends on state that changes in between and that the compiler does not see, or calls a function once with its derivative and once without.",
    "Pass the state as an argument, or read it before the function is called.",
  ),
  PB4001: explain(
    "An active value is written to a global variable",
    "A module-level variable outlives the derivative; its adjoint would be lost.",
    "Return the value, or pass an object to hold it; withoutDerivative(x) for logging.",
  ),
  PB4004: explain(
    "A method that rearranges an array in place cannot be differentiated",
    "The reverse sweep would need the permutation that the method applied.",
    "Use the copying form (toSorted, toReversed, slice, filter) or a loop.",
  ),
  PB4005: explain(
    "An active value comes from an object that the compiler cannot follow",
    "The object has no tangent by its type (a caught error, a Set, an object of JavaScript's own), so a cotangent has nowhere to go.",
    "Give the object a type that says what it holds, or stop the derivative with withoutDerivative(…).",
  ),
  PB4010: explain(
    "Two arguments are the same object, and the function writes into it",
    "Their tangents would have to be one and two at the same time.",
    "Pass a copy for one of them.",
  ),
  PB5001: explain(
    "The derivative is always zero",
    "The result does not depend on the differentiated argument.",
    "Check the expression; drop the parameter with wrt if that is meant.",
  ),
  PB9001: explain(
    "The compiler has not run on this program",
    "A differential operator was called in code that was not compiled by Pullback.",
    "Start the program with `pullback run`, `node --import @pullback/compiler-plugin/register`, the jest transformer or the bundler plugin.",
  ),
  PB9002: explain(
    "Two versions of Pullback meet",
    "A derivative was compiled for another version of the binary interface.",
    "Compile the package that defines it again with the same version of Pullback, or align the versions.",
  ),
  PB9003: explain(
    "The project's configuration cannot be read",
    "tsconfig.json, or a file that it extends, is missing or malformed.",
    "Correct the file named in the message.",
  ),
  PB9004: explain(
    "The compiler itself failed",
    "A defect of Pullback, not of the program; other files of the program compile.",
    "Report it with the function that shows it.",
  ),
  PB9005: explain(
    "There is no such function to explain",
    "The file has no function of that name, or on that line.",
    "Take one of those that the message lists.",
  ),
  PB9006: explain(
    "The transformer cannot work with this program",
    "It was made by another TypeScript than the transformer uses, or without verbatimModuleSyntax.",
    'Set "verbatimModuleSyntax": true, and hand the TypeScript API over: pullback(program, {}, { ts }).',
  ),
} satisfies Record<string, CodeExplanation>;

export type Code = keyof typeof codes;
