/*
 * The outbox on disk: IndexedDB, because strokes are bytes, and many. Each entry is a record of its own, named after the board,
 * the person, the document that made it, and its place in order. What a document leaves behind, the next one inherits.
 */
const NAME = "drawing";
const STORE = "entries";

export class InkStore {
  #database;

  constructor() {
    this.#database = open().catch(() => null); // a private window may have none: then entries live as long as the page
  }

  async put(record) {
    await this.#run("readwrite", (store) => store.put(record));
  }

  async remove(id) {
    await this.#run("readwrite", (store) => store.delete(id));
  }

  /** Everything that waits for this board and person, in order. */
  async all(place) {
    const records = (await this.#run("readonly", (store) => store.index("place").getAll(place))) ?? [];
    return records.sort((one, other) => one.at - other.at || one.tag - other.tag);
  }

  async #run(mode, work) {
    const database = await this.#database;
    if (!database) return undefined;
    try {
      return await promised(work(database.transaction(STORE, mode).objectStore(STORE)));
    } catch (error) {
      console.warn("The outbox could not be kept on disk:", error);
      return undefined;
    }
  }
}

function open() {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" }).createIndex("place", "place");
  return promised(request);
}

const promised = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
