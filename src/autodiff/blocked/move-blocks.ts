import { elementCount } from "../../onnx/tensor.ts";
import type { Values } from "./values.ts";

/**
 * Transposes the outer axes of [...dims, block], and takes of the last of them what is asked for.
 * ONNX Runtime's Gather moves blocks on all threads, where its Transpose and Slice use one.
 * @param dims sizes of the axes outside the block
 * @param perm axis of `dims` that each axis of the result is
 * @param taken places along the last axis of `dims`, in order; all unless given
 */
export function moveBlocks(
  values: Values,
  source: string,
  dims: readonly number[],
  perm: readonly number[],
  taken: readonly number[] = upTo(dims.at(-1) ?? 1),
): string {
  const { block, build } = values;
  const last = dims.length - 1;
  // The axes that stay in front need no index: Gather repeats one for each of their places.
  const front = perm.findIndex((axis, at) => axis !== at || axis === last);
  const rows = elementCount(dims.slice(0, front));
  const index = values.once(
    `blocks ${dims.slice(front).join()} ${perm.join()} ${taken.join()}`,
    () => {
      const stride = (axis: number) => elementCount(dims.slice(axis + 1));
      const data = perm.slice(front).reduce((outer, axis) => {
        const steps = axis === last ? taken : upTo(dims[axis] ?? 1);
        const all = new Int32Array(outer.length * steps.length);
        outer.forEach((place, row) => {
          steps.forEach((step, at) => {
            all[row * steps.length + at] = place + step * stride(axis);
          });
        });
        return all;
      }, Int32Array.of(0));
      return build.constant({ type: "int32", dims: [data.length], data }, "places");
    },
  );
  const apart = values.reshape(source, [rows, elementCount(dims.slice(front)), block]);
  return build.add("Gather", [apart, index], { axis: 1 });
}

/** 0, 1, ... below `size`. */
export function upTo(size: number): readonly number[] {
  return Array.from({ length: size }, (_, at) => at);
}
