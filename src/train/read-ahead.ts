/**
 * Loads items before they are asked for: asking for item i also starts loading the one after it.
 * One ahead is enough to keep the decoding threads busy, and each holds a whole batch of pictures.
 * Items are asked for one after the other, each once, from any item on.
 */
export function readAhead<T>(
  load: (index: number) => Promise<T>,
  count: number,
): (index: number) => Promise<T> {
  let following: Promise<T> | undefined;
  return (index) => {
    const wanted = following ?? load(index);
    following = index + 1 < count ? load(index + 1) : undefined;
    // Awaited later, if at all; until then a rejection must not count as unhandled.
    following?.catch(() => undefined);
    return wanted;
  };
}
