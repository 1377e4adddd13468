// Starts the search's worker from its text: browsers start none from a file.

import source from "site:search-worker";

if (location.protocol === "file:") {
  const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  globalThis.Worker = class extends Worker {
    constructor() {
      super(address);
    }
  };
}
