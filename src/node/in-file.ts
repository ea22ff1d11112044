import { ThawError } from "../errors.ts";

/** Does work on what a file holds, so that a refusal names the file before the place in it. */
export async function inFile<T>(path: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof ThawError)) throw cause;
    const { where } = cause.fault;
    if (where?.startsWith(path)) throw cause;
    const place = where === undefined || where === "" ? path : `${path}: ${where}`;
    throw new ThawError({ ...cause.fault, where: place }, cause);
  }
}
