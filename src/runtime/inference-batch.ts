/**
 * Pictures that a network without a backward pass takes at once: few enough that feature maps stay
 * in the processor's cache. Measured, a quarter faster than 16 and a fraction of the memory.
 */
export const inferenceBatchSize = 4;
