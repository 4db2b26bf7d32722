/** The images of pages: the file itself where the browser draws it, otherwise as the service draws its pages. */

import { imageSize } from "./picture.js";
import { ApiProblem } from "./service.js";

export class Pictures {
  #service;
  #made = new Map(); // upload -> Map of page -> address of a blob
  #making = null; // what is being fetched: {upload, page, stop, picture}

  constructor(service) {
    this.#service = service;
  }

  /**
   * The image of a page: `{address, problem}`, of which one is null; both where another page was asked for before
   * this one was there. Each is fetched once, and only one at a time.
   */
  async of(upload, page) {
    if (page === 0 && (await imageSize(upload.url)) !== null) {
      return { address: upload.url, problem: null };
    }
    const address = this.#made.get(upload)?.get(page);
    if (address !== undefined) {
      return { address, problem: null };
    }
    if (this.#making?.upload !== upload || this.#making.page !== page) {
      this.#making?.stop.abort();
      const stop = new AbortController();
      this.#making = { upload, page, stop, picture: this.#make(upload, page, stop.signal) };
    }
    return this.#making.picture;
  }

  /** Free the images of an upload that was removed. */
  forget(upload) {
    if (this.#making?.upload === upload) {
      this.#making.stop.abort();
    }
    this.#made.get(upload)?.forEach((address) => URL.revokeObjectURL(address));
    this.#made.delete(upload);
  }

  async #make(upload, page, signal) {
    try {
      const address = await this.#service.pagePicture(upload.file, page, { signal });
      this.#made.set(upload, (this.#made.get(upload) ?? new Map()).set(page, address));
      return { address, problem: null };
    } catch (error) {
      if (signal.aborted) {
        return { address: null, problem: null };
      }
      if (!(error instanceof ApiProblem)) {
        throw error;
      }
      return { address: null, problem: error };
    } finally {
      if (this.#making?.stop.signal === signal) {
        this.#making = null;
      }
    }
  }
}
