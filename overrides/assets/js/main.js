// The one script of a page: mounts every feature, and again when the Material bundle announces a document.

import { mountBundle } from "./bundle.js";
import { mountFolds } from "./folds.js";
import { mountMenu } from "./menu.js";
import { mountScheme } from "./scheme.js";
import { mountSearch } from "./search.js";

// Features that only some pages need are loaded where their element stands.
const LAZY = [
  ["[data-topic], [data-progress-tools]", () => import("./progress.js")],
  [".km-filter", () => import("./filter.js")],
  [".km-quiz", () => import("./quiz.js")],
  ["pre, .km-diagram", () => import("./code.js")],
  ["[data-lab]", () => import("./lab.js")],
  ['link[type="text/markdown"]', () => import("./copy-markdown.js")],
];

async function mountLazy() {
  const wanted = LAZY.filter(([selector]) => document.querySelector(selector));
  await Promise.all(wanted.map(([, load]) => load().then((feature) => feature.mount(document))));
  document.documentElement.dataset.kmMounted = ""; // what drives the page waits for this
}

function mountAll() {
  mountFolds();
  mountMenu(document);
  mountScheme(document);
  mountSearch(document);
  mountLazy();
}

mountBundle(document.getElementById("__km").dataset.bundle, () => {
  // The first emission is this very document; every mount is safe to repeat.
  window.document$?.subscribe(mountAll);
});
mountAll();
