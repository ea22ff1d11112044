import { float, int, real, string } from "../../onnx/attributes.ts";
import type { GraphBuilder } from "../../onnx/build.ts";
import { elementCount, float32 } from "../../onnx/tensor.ts";
import { sumTo } from "../broadcast.ts";
import type { Rule } from "../rule.ts";
import { reshape } from "./axes.ts";
import { explicitEquation } from "./einsum-equation.ts";

export const MatMul: Rule = ({ node, build, gradients, dims }) => {
  const [a = "", b = ""] = node.inputs;
  const dy = gradients[0] ?? "";
  const [left, right] = [dims(a), dims(b)];
  // A vector operand is a matrix with one row (left) or one column (right), as ONNX defines it.
  const rows = left.length === 1 ? [1, ...left] : left;
  const columns = right.length === 1 ? [...right, 1] : right;
  const batch = broadcast(rows.slice(0, -2), columns.slice(0, -2));
  const [m, k, n] = [rows.at(-2) ?? 1, rows.at(-1) ?? 1, columns.at(-1) ?? 1];
  const output = [...batch, m, n];
  const vector = left.length === 1 || right.length === 1;
  const gradient = () => (vector ? reshape(build, dy, output) : dy);
  const restore = (value: string, from: readonly number[], to: readonly number[]) =>
    from.length === to.length ? value : reshape(build, value, to);
  return [
    () => {
      const turned = transposeLast(build, restore(b, right, columns), columns.length);
      const full = build.add("MatMul", [gradient(), turned]);
      return restore(sumTo(build, full, [...batch, m, k], rows), rows, left);
    },
    () => {
      if (columns.length === 2) {
        const flatA = reshape(build, a, [elementCount(rows.slice(0, -1)), k]);
        const flatDy = reshape(build, dy, [elementCount(output.slice(0, -1)), n]);
        const summed = build.add("Gemm", [flatA, flatDy], { transA: 1 });
        return restore(summed, columns, right);
      }
      const turned = transposeLast(build, restore(a, left, rows), rows.length);
      const full = build.add("MatMul", [turned, gradient()]);
      return restore(sumTo(build, full, [...batch, k, n], columns), columns, right);
    },
  ];
};

/** Y = alpha * A' * B' + beta * C, where a prime transposes if transA or transB says so. */
export const Gemm: Rule = ({ node, build, gradients, dims }) => {
  const [a = "", b = "", c = ""] = node.inputs;
  const dy = gradients[0] ?? "";
  const alpha = real(float(node, "alpha", 1));
  const beta = float(node, "beta", 1);
  const transA = int(node, "transA", 0) !== 0;
  const transB = int(node, "transB", 0) !== 0;
  const multiply = (left: string, right: string, turnLeft: boolean, turnRight: boolean) =>
    build.add("Gemm", [left, right], {
      alpha,
      transA: turnLeft ? 1 : 0,
      transB: turnRight ? 1 : 0,
    });
  return [
    () => (transA ? multiply(b, dy, transB, true) : multiply(dy, b, false, !transB)),
    () => (transB ? multiply(dy, a, true, transA) : multiply(a, dy, !transA, false)),
    () => {
      const summed = sumTo(build, dy, dims(node.outputs[0] ?? ""), dims(c));
      return beta === 1 ? summed : build.add("Mul", [summed, build.scalar(beta)]);
    },
  ];
};

/**
 * An operand's gradient is an Einsum again: the output's gradient times the other operands, summed
 * to the operand's own labels. A label found nowhere else is supplied by a vector of ones, and the
 * diagonal that a repeated one takes by an identity matrix.
 */
export const Einsum: Rule = ({ node, build, gradients, dims }) => {
  const operands = node.inputs.map((name) => ({ name, dims: dims(name) }));
  const { inputs, output, sizes, spare } = explicitEquation(
    string(node, "equation", ""),
    operands.map((operand) => operand.dims),
  );
  const ones = (...size: readonly number[]) =>
    build.add("ConstantOfShape", [build.ints(size)], { value: one });
  return operands.map((operand, index) => () => {
    const labels = [...(inputs[index] ?? "")];
    const size = (label: string) => sizes.get(label) ?? 1;
    const others = operands.filter((_, other) => other !== index);
    const terms = [output, ...inputs.filter((_, other) => other !== index)];
    const names = [gradients[0] ?? "", ...others.map((other) => other.name)];
    const own = labels.map((label, axis) => {
      if (labels.indexOf(label) === axis) return label;
      const apart = spare[axis] ?? "";
      terms.push(label + apart);
      names.push(build.add("EyeLike", [ones(size(label), size(label))]));
      return apart;
    });
    for (const label of own) {
      if (terms.some((term) => term.includes(label))) continue;
      terms.push(label);
      names.push(ones(size(label)));
    }
    const full = build.add("Einsum", names, { equation: `${terms.join(",")}->${own.join("")}` });
    return sumTo(build, full, labels.map(size), operand.dims);
  });
};

const one = float32([1], [1]);

function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const [left, right] = [a[axis - rank + a.length] ?? 1, b[axis - rank + b.length] ?? 1];
    return left === 1 ? right : left;
  });
}

function transposeLast(build: GraphBuilder, value: string, rank: number): string {
  const perm = Array.from({ length: rank }, (_, axis) => axis);
  return build.add("Transpose", [value], { perm: [...perm.slice(0, -2), rank - 1, rank - 2] });
}
