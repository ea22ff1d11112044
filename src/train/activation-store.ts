/** Rows of equal size, written once in any order and read many times. */
export interface ActivationStore {
  /** Writes consecutive rows from `firstRow` on. */
  write(firstRow: number, bytes: Uint8Array): Promise<void>;
  /** Reads one row into `target`, which has the size of a row. */
  read(row: number, target: Uint8Array): Promise<void>;
  /** Gives the memory or the file handle back. */
  close(): Promise<void>;
}

/** Bytes of one block: far below what an engine allows in one buffer, few enough to be cheap. */
const blockBytes = 64 * 2 ** 20;

/** Keeps the rows in memory, in blocks that are allocated when first written to. */
export function memoryStore(rowBytes: number): ActivationStore {
  const rowsPerBlock = Math.max(1, Math.floor(blockBytes / rowBytes));
  const blocks = new Map<number, Uint8Array>();
  const block = (row: number) => {
    const index = Math.floor(row / rowsPerBlock);
    const known = blocks.get(index) ?? new Uint8Array(rowsPerBlock * rowBytes);
    blocks.set(index, known);
    return known;
  };
  const offset = (row: number) => (row % rowsPerBlock) * rowBytes;
  return {
    async write(firstRow, bytes) {
      for (let done = 0, row = firstRow; done < bytes.length; done += rowBytes, row++) {
        block(row).set(bytes.subarray(done, done + rowBytes), offset(row));
      }
    },
    async read(row, target) {
      target.set(block(row).subarray(offset(row), offset(row) + rowBytes));
    },
    async close() {
      blocks.clear();
    },
  };
}
