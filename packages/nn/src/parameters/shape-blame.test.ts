/** Errors of shape name the two layers that do not fit together. */
import { describe, expect, test } from "@jest/globals";
import { ones, ShapeError, type Tensor } from "@pullback/core";
import { BatchNorm, Flatten, type Layer, Linear, LSTM, meanSquaredError, Sequential, SGD, Tanh } from "../index.ts";
import { evaluate, fit } from "../training/index.ts";
import { summary } from "./index.ts";

class Classifier implements Layer<Tensor, Tensor> {
  readonly body = new Sequential(new Linear(4, 8), new Tanh(), new Linear(9, 2));
  forward(x: Tensor): Tensor {
    return this.body.forward(x);
  }
}

/** Its layers meet through operations of its own. */
class Joined implements Layer<Tensor, Tensor> {
  readonly first = new Linear(4, 8);
  readonly second = new Linear(7, 2);
  forward(x: Tensor): Tensor {
    return this.second.forward(this.first.forward(x).relu());
  }
}

class Recurrent implements Layer<Tensor, Tensor> {
  readonly lstm = new LSTM(3, 5);
  readonly out = new Linear(6, 1);
  forward(x: Tensor): Tensor {
    return this.out.forward(this.lstm.forward(x).output);
  }
}

function thrownBy(run: () => unknown): ShapeError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(ShapeError);
    return error as ShapeError;
  }
  throw new Error("nothing was thrown");
}

describe("summary", () => {
  test("one layer's output is the other's input", () => {
    const error = thrownBy(() => summary(new Classifier(), ones([3, 4])));
    expect(error.message).toMatch(
      /^PB6101: "body.layers.2" \(Linear\), given \[3, 8\] by "body.layers.1" \(Tanh\): matmul/,
    );
    expect(thrownBy(() => summary(new Recurrent(), ones([2, 4, 3]))).message).toMatch(
      /^PB6101: "out" \(Linear\), given \[2, 4, 5\] by "lstm" \(LSTM\): /,
    );
  });

  test("operations stand between them", () => {
    const error = thrownBy(() => summary(new Joined(), ones([3, 4])));
    expect(error.message).toMatch(
      /^PB6101: "second" \(Linear\), given \[3, 8\], after "first" \(Linear\) gave \[3, 8\]: /,
    );
  });

  test("the first layer does not fit the data", () => {
    const error = thrownBy(() => summary(new Joined(), ones([3, 5])));
    expect(error.message).toMatch(/^PB6101: "first" \(Linear\), given \[3, 5\]: /);
  });

  test("the model is as it was", () => {
    const model = new Sequential(new Flatten(), new Linear(5, 2));
    thrownBy(() => summary(model, ones([3, 4])));
    expect(Object.keys(model.layers[0])).toEqual(["startAxis", "endAxis"]);
    expect(model.forward(ones([3, 5])).shape).toEqual([3, 2]);
  });
});

test("fit and evaluate say it too", async () => {
  const model = new Sequential(new Linear(4, 8), new BatchNorm(6));
  const data = [{ x: ones([3, 4]), y: ones([3, 8]) }];
  const loss = (m: typeof model, { x, y }: (typeof data)[0]) => meanSquaredError(m.forward(x), y);
  const blame = /^PB6101: "layers.1" \(BatchNorm\), given \[3, 8\] by "layers.0" \(Linear\): /;
  const optimizer = new SGD(model, { learningRate: 0.1 });
  const training = fit(model, data, {
    loss: (m: typeof model, b: (typeof data)[0]) => loss(m, b),
    optimizer,
    progress: false,
  });
  await expect(training).rejects.toThrow(blame);
  await expect(training).rejects.toBeInstanceOf(ShapeError);
  await expect(evaluate(model, data, { loss })).rejects.toThrow(blame);
});
