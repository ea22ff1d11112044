/**
 * Loads items before they are asked for: asking for item i also starts loading the `ahead` items
 * after it. Items are asked for in rising order, each once.
 */
export function readAhead<T>(
  load: (index: number) => Promise<T>,
  count: number,
  ahead = 2,
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
    for (let next = index + 1; next <= Math.min(index + ahead, count - 1); next++) started(next);
    pending.delete(index);
    return wanted;
  };
}
