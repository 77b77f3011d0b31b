/** Names, ties, copies, modes and state dicts of models. */
import { describe, expect, test } from "@jest/globals";
import { type NoDerivative, struct } from "@pullback/autodiff";
import { CheckpointError, ones, randn, Tensor, tensor, zeros } from "@pullback/core";
import { Dropout, Embedding, LayerNorm, Linear, Sequential } from "../layers/index.ts";
import {
  copy,
  loadStateDict,
  mapParameters,
  type Names,
  namedParameters,
  parameterCount,
  setMode,
  stateDict,
} from "./index.ts";

class Block {
  readonly attention = new Linear(2, 3);
  readonly dropout = new Dropout(0.1);
  readonly steps: NoDerivative<Tensor> = tensor([1, 2], { dtype: "int32" });
}

class Model {
  readonly embed = new Embedding(5, 2);
  readonly layers = [new Block(), new Block()];
  readonly head = this.embed;
}

const tensorNames = (model: unknown) =>
  [...namedParameters(model)].filter(([, value]) => value instanceof Tensor).map(([path]) => path);

describe("namedParameters", () => {
  test("paths in field order, ties once, no integer tensors", () => {
    expect(tensorNames(new Model())).toEqual([
      "embed.weight",
      "layers.0.attention.weight",
      "layers.0.attention.bias",
      "layers.1.attention.weight",
      "layers.1.attention.bias",
    ]);
  });

  test("two parameters that start from one tensor are two", () => {
    const start = zeros([3]);
    expect(tensorNames({ a: { bias: start }, b: { bias: start } })).toEqual(["a.bias", "b.bias"]);
  });

  test("an object that holds itself ends", () => {
    const child: { weight: Tensor; parent?: unknown } = { weight: zeros([1]) };
    child.parent = child;
    expect(tensorNames(child)).toEqual(["weight"]);
  });

  test("Maps and numbers", () => {
    expect([...namedParameters({ table: new Map([["k", 3]]), x: 2 })]).toEqual([
      ["table.k", 3],
      ["x", 2],
    ]);
  });

  test("a count of scalars", () => {
    expect(parameterCount({ layer: new Linear(4, 3), again: { weight: ones([2, 2]) } })).toBe(15 + 4);
    const tied = new Embedding(10, 4);
    expect(parameterCount({ tied, head: tied })).toBe(40);
  });
});

describe("descriptors", () => {
  // As the compiler attaches it to a class with a private field.
  class Secret {
    #weight = ones([2]);
    training: NoDerivative<boolean> = true;
    rate: NoDerivative<number> = 3;
    static [struct] = {
      fields: { weight: "v" },
      get: (object: Secret, field: string) => (field === "weight" ? object.#weight : (object as any)[field]),
      set: (object: Secret, field: string, value: any) => {
        if (field === "weight") object.#weight = value;
        else (object as any)[field] = value;
      },
      clone: (object: Secret) => {
        const made = new Secret();
        made.#weight = object.#weight;
        made.rate = object.rate;
        return made;
      },
    };
  }

  test("say what is a parameter, and reach private fields", () => {
    const model = { inner: new Secret() };
    expect([...namedParameters(model).keys()]).toEqual(["inner.weight"]);
    const doubled = mapParameters(model, (x) => (x as Tensor).mul(2));
    expect(stateDict(doubled).get("inner.weight")!.toArray()).toEqual([2, 2]);
    expect(stateDict(model).get("inner.weight")!.toArray()).toEqual([1, 1]);
    setMode(model, "eval");
    expect(model.inner.training).toBe(false);
  });
});

describe("copies", () => {
  test("share tensors, not objects, and keep ties and classes", () => {
    const model = new Model();
    const second = copy(model);
    expect(second).toBeInstanceOf(Model);
    expect(second.head).toBe(second.embed);
    expect(second.embed).not.toBe(model.embed);
    expect(second.embed.weight).toBe(model.embed.weight);
    second.layers[0].attention.weight = zeros([3, 2]);
    expect(model.layers[0].attention.weight.abs().sum().item()).toBeGreaterThan(0);
  });

  test("mapParameters calls once per parameter", () => {
    const paths: string[] = [];
    const half = mapParameters(new Model(), (x, path) => {
      paths.push(path);
      return x instanceof Tensor ? x.cast("bfloat16") : x;
    });
    expect(paths.filter((path) => path === "embed.weight" || path === "head.weight")).toEqual(["embed.weight"]);
    expect(half.head.weight.dtype).toBe("bfloat16");
    expect(half.layers[0].steps.dtype).toBe("int32");
  });
});

test("setMode reaches every layer and gives the way back", () => {
  const model = new Sequential(new Linear(2, 2), new Dropout(0.5), new Sequential(new Dropout(0.5)));
  model.layers[1].training = false;
  const restore = setMode(model, "eval");
  expect([model.layers[1].training, model.layers[2].layers[0].training]).toEqual([false, false]);
  setMode(model, "train");
  expect([model.layers[1].training, model.layers[2].layers[0].training]).toEqual([true, true]);
  restore();
  expect([model.layers[1].training, model.layers[2].layers[0].training]).toEqual([false, true]);
});

class Attention {
  readonly query = new Linear(2, 2, { bias: false });
  static readonly names: Names = { query: "q_proj" };
}

class Layer {
  readonly attention = new Attention();
  readonly norm = new LayerNorm(2);
}

class Published {
  readonly embedder = new Embedding(3, 2);
  readonly layers = [new Layer(), new Layer()];
  static readonly names: Names = {
    "embedder.weight": "model.embed_tokens.weight",
    "layers.{i}.attention": "model.layers.{i}.self_attn",
    "layers.{i}": "model.layers.{i}",
  };
}

describe("stateDict", () => {
  const published = [
    "model.embed_tokens.weight",
    "model.layers.0.self_attn.q_proj.weight",
    "model.layers.0.norm.weight",
    "model.layers.0.norm.bias",
    "model.layers.1.self_attn.q_proj.weight",
    "model.layers.1.norm.weight",
    "model.layers.1.norm.bias",
  ];

  const tangentOf = (model: Published) => ({
    embedder: { weight: model.embedder.weight.mul(2) },
    layers: model.layers.map(({ attention, norm }) => ({
      attention: { query: { weight: attention.query.weight } },
      norm: { weight: norm.weight, bias: norm.bias },
    })),
  });

  test("obeys static names, inner classes first, the longest key", () => {
    const names = [...stateDict(new Published())].filter(([, x]) => x.dtype !== "float64").map(([name]) => name);
    expect(names).toEqual(published);
  });

  test("a tangent under the names of its model", () => {
    const model = new Published();
    const dict = stateDict(tangentOf(model), model);
    expect([...dict.keys()]).toEqual(published);
    expect(dict.get("model.embed_tokens.weight")!.toArray()).toEqual(model.embedder.weight.mul(2).toArray());
  });

  test("tangents of a tie are added under its one name", () => {
    const layer = new Embedding(2, 1);
    const model = { first: layer, second: layer };
    const tangent = { first: { weight: tensor([[1], [2]]) }, second: { weight: tensor([[10], [20]]) } };
    const dict = stateDict(tangent, model);
    expect([...dict].map(([name, x]) => [name, x.toArray()])).toEqual([["first.weight", [[11], [22]]]]);
  });

  test("names may be a function; buffers and number parameters are in a model's dict", () => {
    class Running {
      readonly mean: NoDerivative<Tensor> = zeros([2]);
      readonly cache: NoDerivative<{ keys: Tensor }> = { keys: zeros([1]) };
      gain = 2;
      static readonly names = (path: string) => `stats/${path}`;
      static [struct] = { fields: { gain: "v" } };
    }
    const dict = stateDict(new Running());
    expect([...dict.keys()].sort()).toEqual(["stats/gain", "stats/mean"]);
    expect(dict.get("stats/gain")!.dtype).toBe("float64");
    const model = new Running();
    loadStateDict(
      model,
      new Map([
        ["stats/gain", tensor(7)],
        ["stats/mean", ones([2])],
      ]),
    );
    expect([model.gain, model.mean.toArray()]).toEqual([7, [1, 1]]);
  });

  test("a placeholder that the path lacks is a CheckpointError", () => {
    class Wrong {
      readonly weight = zeros([1]);
      static readonly names = { weight: "layers.{i}.weight" };
    }
    expect(() => stateDict(new Wrong())).toThrow(CheckpointError);
  });
});

describe("loadStateDict", () => {
  const fields = () => ({ a: new Linear(2, 3), b: new Linear(2, 3) });

  test("what stateDict gives, cast to the model's dtypes, in place", () => {
    const [from, to] = [fields(), fields()];
    to.a.weight = to.a.weight.cast("bfloat16");
    const layer = to.a;
    loadStateDict(to, stateDict(from));
    expect(to.a).toBe(layer);
    expect(to.a.weight.dtype).toBe("bfloat16");
    expect(to.a.weight.toArray()).toEqual(from.a.weight.cast("bfloat16").toArray());
    expect(to.b.weight.toArray()).toEqual(from.b.weight.toArray());
  });

  test("one error lists every missing, unknown and misshapen tensor, and nothing is loaded", () => {
    const model = fields();
    const before = [...namedParameters(model).values()];
    const dict = stateDict(fields());
    dict.delete("a.bias");
    dict.set("a.scale", zeros([1]));
    dict.set("b.weight", zeros([3, 3]));
    let error: unknown;
    try {
      loadStateDict(model, dict);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(CheckpointError);
    expect((error as CheckpointError).code).toBe("PB7110");
    expect((error as CheckpointError).names).toEqual(["a.bias", "a.scale", "b.weight"]);
    expect([...namedParameters(model).values()]).toEqual(before);
  });

  test("ties stay ties, under the name of either path", () => {
    const layer = new Embedding(3, 2);
    const model = { input: layer, output: layer };
    const weight = randn([3, 2]);
    loadStateDict(model, new Map([["output.weight", weight]]));
    expect(model.input).toBe(model.output);
    expect(model.input.weight.toArray()).toEqual(weight.toArray());
  });
});
