/** Speaks with the REST API (`docs`). Every failure is an `ApiProblem`, told by the API's own error codes. */

const PATIENCE = 180; // seconds that a file waits in all while the queue is full, as long as the service asks each time

/** Why a request failed: `code` as the API gives it, or "network" or "answer" where there was no such answer. */
export class ApiProblem extends Error {
  constructor(code, details = {}) {
    super(details.message ?? code);
    this.code = code;
    this.status = details.status;
    this.limit = details.limit ?? null;
    this.got = details.got ?? null;
    this.unit = details.unit ?? null;
  }
}

/** The service that this page came from. Addresses are relative, so that it may stand below a path. */
export class Service {
  limits = null;
  #token = sessionStorage.getItem("ocrtune.token");

  /** Use an access token until the tab is closed. */
  useToken(token) {
    this.#token = token;
    sessionStorage.setItem("ocrtune.token", token);
  }

  /** Ask what the service takes; see GET /api/limits. */
  async askLimits() {
    this.limits = await this.#ask("api/limits");
    return this.limits;
  }

  /** `{active, previous, models}`. */
  models() {
    return this.#ask("api/models");
  }

  /** Put a model into service; answers as `models` once it was tested and is active. */
  activate(model) {
    return this.#ask("api/models/active", json("PUT", { model }));
  }

  /**
   * Hand in corrected lines of a page; `[{id, …}]` in their order.
   *
   * @param {File} file that was read: the service cuts the lines out of it itself
   * @param {number} page
   * @param {string} digest of the model that read
   * @param {object[]} lines
   */
  async correct(file, page, digest, lines) {
    const image = await base64(file);
    const answer = await this.#ask("api/corrections", json("POST", { image, page, digest, lines }));
    return answer.corrections;
  }

  /** `{corrections, counts, next}`; see GET /api/corrections. */
  corrections(query) {
    return this.#ask(`api/corrections?${new URLSearchParams(query)}`);
  }

  /** The picture of a correction, as the address of a blob. */
  async correctionPicture(id) {
    return this.#picture(await this.#send(`api/corrections/${id}/image`));
  }

  /** Change `state` or `text` of a correction. */
  review(id, change) {
    return this.#ask(`api/corrections/${id}`, json("PATCH", change));
  }

  /** Delete a correction and its picture. */
  async deleteCorrection(id) {
    const response = await this.#send(`api/corrections/${id}`, { method: "DELETE" });
    if (!response.ok) {
      await this.#unpack(response);
    }
  }

  /**
   * Read one file.
   *
   * @param {File} file
   * @param {{model: string, mode: string, clean: string[]}} choice
   * @param {{signal: AbortSignal, waiting: (seconds: number) => void}} options
   */
  async read(file, choice, options) {
    const query = new URLSearchParams({ mode: choice.mode, model: choice.model });
    choice.clean.forEach((each) => query.append("clean", each));
    return this.#unpack(await this.#sendFile(`api/ocr?${query}`, file, options));
  }

  /**
   * A page of a file as the service draws it, which browsers do not with every kind; the address of a blob.
   *
   * @param {File} file
   * @param {number} page
   * @param {{signal: AbortSignal}} options
   */
  async pagePicture(file, page, options) {
    return this.#picture(await this.#sendFile(`api/page-image?page=${page}`, file, options));
  }

  /** Send a file; while the service is busy, wait as it says and try again. */
  async #sendFile(path, file, { signal, waiting = () => {} }) {
    this.#checkSize(file);
    const body = new FormData();
    body.append("image", file);
    for (let waited = 0; ; ) {
      const response = await this.#send(path, { method: "POST", body, signal });
      if (response.status !== 429 || waited >= PATIENCE) {
        return response;
      }
      const seconds = Math.max(1, Number(response.headers.get("Retry-After")) || 1);
      waited += seconds;
      waiting(seconds);
      await pause(seconds, signal);
    }
  }

  /** A body beyond the limit is cut off by the service, which a browser can only report as a lost connection. */
  #checkSize(file) {
    const envelope = 1024; // multipart's own lines
    if (this.limits !== null && file.size > this.limits.bytes - envelope) {
      throw new ApiProblem("body_too_large", { limit: this.limits.bytes, got: file.size, unit: "bytes" });
    }
    if (file.size === 0) {
      throw new ApiProblem("empty_image");
    }
  }

  async #ask(path, options) {
    return this.#unpack(await this.#send(path, options));
  }

  async #send(path, { headers = {}, ...options } = {}) {
    const authorization = this.#token === null ? {} : { Authorization: `Bearer ${this.#token}` };
    try {
      return await fetch(path, { ...options, headers: { ...headers, ...authorization } });
    } catch (error) {
      if (error instanceof TypeError) {
        throw new ApiProblem("network", { message: error.message });
      }
      throw error;
    }
  }

  async #picture(response) {
    return response.ok ? URL.createObjectURL(await response.blob()) : this.#unpack(response);
  }

  async #unpack(response) {
    let answer;
    try {
      answer = await response.json();
    } catch (error) {
      if (error instanceof SyntaxError) {
        throw new ApiProblem("answer", { status: response.status });
      }
      throw error;
    }
    if (!response.ok) {
      throw new ApiProblem(answer.error ?? "answer", { ...answer, status: response.status });
    }
    return answer;
  }
}

function json(method, body) {
  return { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
}

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(new ApiProblem("empty_image", { message: reader.error.message })); // it is gone
    reader.readAsDataURL(file);
  });
}

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, seconds * 1000);
    signal.addEventListener("abort", stop, { once: true });
  });
}
