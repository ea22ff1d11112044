import { drawAugmentation } from "../data/augment.ts";
import type { RgbImage } from "../data/dataset.ts";
import { type Geometry, plainGeometry, wideGeometry, writePlain } from "../data/preprocess.ts";
import type { View } from "../data/view.ts";
import { writeAugmented } from "../data/warp.ts";
import { cutOut } from "./decoded-pictures.ts";
import { decodePicture } from "./picture-decoder.ts";
import type { PictureThreadSetup } from "./picture-job.ts";
import { openPictures } from "./picture-source.ts";
import { PixelStore } from "./pixel-store.ts";

/** Renders views, decoding each picture at most once where the store has room. */
export class ViewRenderer {
  readonly #setup: PictureThreadSetup;
  readonly #source;
  readonly #store: PixelStore;
  readonly #decoding = new Map<number, Promise<RgbImage>>();

  constructor(setup: PictureThreadSetup) {
    this.#setup = setup;
    this.#source = openPictures(setup.dataset);
    this.#store = new PixelStore(setup.keptBytes, setup.folder);
  }

  /**
   * Writes one view as normalised planes (CHW) from `offset` on.
   * @throws ThawError `data/unreadable-picture`
   */
  async render(view: View, out: Float32Array, offset: number): Promise<void> {
    const { preprocessing: to, seed, flips } = this.#setup;
    const image = await this.#pixels(view.sample, view.strength === "none" ? "plain" : "wide");
    if (view.strength === "none") return writePlain(image, to, out, offset);
    const aspect = (image.width * to.height) / (image.height * to.width);
    const id = this.#setup.ids[view.sample] ?? "";
    const drawn = drawAugmentation(view.strength, seed, id, view.draw, aspect, flips);
    writeAugmented(image, drawn, to, out, offset);
  }

  close(): void {
    this.#store.close();
  }

  async #pixels(sample: number, kind: "plain" | "wide"): Promise<RgbImage> {
    const key = 2 * sample + (kind === "plain" ? 0 : 1);
    const stored = this.#store.get(key);
    if (stored !== undefined) return stored;
    const running = this.#decoding.get(key) ?? this.#decode(sample, kind, key);
    this.#decoding.set(key, running);
    try {
      return await running;
    } finally {
      this.#decoding.delete(key);
    }
  }

  async #decode(sample: number, kind: "plain" | "wide", key: number): Promise<RgbImage> {
    const to = this.#setup.preprocessing;
    const id = this.#setup.ids[sample] ?? "";
    const geometry = (width: number, height: number): Geometry =>
      kind === "plain" ? plainGeometry(to, width, height) : wideGeometry(to, width, height);
    const { decoded } = this.#setup;
    const whole = decoded && cutOut(decoded, id, geometry, to.interpolation);
    if (whole !== undefined) return whole;
    const bytes = await this.#source.read({ id, label: 0 });
    const image = await decodePicture(bytes, geometry, to.interpolation, id);
    this.#store.put(key, image);
    return image;
  }
}
