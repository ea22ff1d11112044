/**
 * Loads items before they are asked for: asking for item i also starts loading the one after it.
 * One ahead is enough to keep the decoding threads busy, and each holds a whole batch of pictures.
 * Items are asked for in rising order, each once.
 */
export function readAhead<T>(
  load: (index: number) => Promise<T>,
  count: number,
): (index: number) => Promise<T> {
  const pending = new Map<number, Promise<T>>();
  const started = (index: number) => {
    const known = pending.get(index);
    if (known !== undefined) return known;
    const loading = load(index);
    // Awaited later, if at all; until then a rejection must not count as unhandled.
    loading.catch(() => undefined);
    pending.set(index, loading);
    return loading;
  };
  return (index) => {
    const wanted = started(index);
    if (index + 1 < count) started(index + 1);
    pending.delete(index);
    return wanted;
  };
}
