import { type Random, randomFor } from "./random.ts";
import type { AugmentationStrength } from "./view.ts";

/** How far one strength of augmentation goes. */
export interface AugmentationRange {
  /** Smallest share of the picture's area a crop keeps; the largest is 1. */
  readonly leastArea: number;
  /** Largest change of the crop's aspect, as a factor either way. */
  readonly aspect: number;
  /** Largest rotation either way, in degrees. */
  readonly rotation: number;
  /** Largest relative change of brightness, contrast and saturation either way. */
  readonly jitter: number;
  /** Largest turn of the hue either way, in full turns. */
  readonly hue: number;
  /** Probability that a rectangle is erased, and its largest share of the area. */
  readonly erase: number;
  readonly eraseArea: number;
}

export const augmentationRanges: Readonly<
  Record<Exclude<AugmentationStrength, "none">, AugmentationRange>
> = {
  light: {
    leastArea: 0.7,
    aspect: 1.1,
    rotation: 5,
    jitter: 0.1,
    hue: 0,
    erase: 0,
    eraseArea: 0,
  },
  medium: {
    leastArea: 0.45,
    aspect: 1.25,
    rotation: 10,
    jitter: 0.2,
    hue: 0.02,
    erase: 0.15,
    eraseArea: 0.15,
  },
  strong: {
    leastArea: 0.25,
    aspect: 4 / 3,
    rotation: 15,
    jitter: 0.4,
    hue: 0.05,
    erase: 0.3,
    eraseArea: 0.25,
  },
};

/** One augmented view; lengths and positions are shares of the picture's or the output's sides. */
export interface Augmentation {
  /** The crop's centre and size on the picture. */
  readonly crop: {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
  };
  readonly flip: boolean;
  /** Radians. */
  readonly rotation: number;
  /** Factors around 1. */
  readonly brightness: number;
  readonly contrast: number;
  readonly saturation: number;
  /** Radians. */
  readonly hue: number;
  /** On the output; set to the network's mean colour. */
  readonly erase?: {
    readonly left: number;
    readonly top: number;
    readonly width: number;
    readonly height: number;
  };
}

/**
 * Draws one view. Depends on nothing but its arguments: the same on any thread, in any order.
 * Random resized crop and erasing follow torchvision and Zhong et al. (2017).
 * @param sample the sample's id
 * @param aspect width by height of the picture over that of the output
 * @param flips false when orientation carries meaning
 */
export function drawAugmentation(
  strength: Exclude<AugmentationStrength, "none">,
  seed: number,
  sample: string,
  draw: number,
  aspect: number,
  flips: boolean,
): Augmentation {
  const range = augmentationRanges[strength];
  const random = randomFor("augment", seed, sample, draw);
  const around = () => random.between(1 - range.jitter, 1 + range.jitter);
  const crop = drawCrop(range, random, aspect);
  const flip = random.chance(0.5) && flips;
  const rotation = (random.between(-range.rotation, range.rotation) * Math.PI) / 180;
  const colour = { brightness: around(), contrast: around(), saturation: around() };
  const hue = random.between(-range.hue, range.hue) * 2 * Math.PI;
  const view = { crop, flip, rotation, ...colour, hue };
  return random.chance(range.erase) ? { ...view, erase: drawErase(range, random) } : view;
}

function drawCrop(range: AugmentationRange, random: Random, aspect: number) {
  const area = random.between(range.leastArea, 1);
  const stretch = Math.exp(random.between(-Math.log(range.aspect), Math.log(range.aspect)));
  // The output's shape first; where it would stick out it shrinks and keeps its shape.
  const wide = Math.sqrt((area * stretch) / aspect);
  const high = Math.sqrt((area * aspect) / stretch);
  const shrink = Math.min(1, 1 / wide, 1 / high);
  const [width, height] = [wide * shrink, high * shrink];
  const x = random.between(width / 2, 1 - width / 2);
  const y = random.between(height / 2, 1 - height / 2);
  return { x, y, width, height };
}

function drawErase(range: AugmentationRange, random: Random) {
  const area = random.between(0.02, range.eraseArea);
  const stretch = Math.exp(random.between(-1, 1));
  const width = Math.min(1, Math.sqrt(area * stretch));
  const height = Math.min(1, Math.sqrt(area / stretch));
  return { left: random.between(0, 1 - width), top: random.between(0, 1 - height), width, height };
}
