// Bundles the offline copy's script. Its one argument is JSON: where the entry, the site's main module, the lab's
// stand-in and the search's worker are, and where the script goes.

import { readFile } from "node:fs/promises";
import { build } from "esbuild";

const { entry, main, lab, worker, into } = JSON.parse(process.argv[2]);

const parts = {
  name: "parts",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^site:main$/ }, () => ({ path: main }));
    onResolve({ filter: /^site:search-worker$/ }, () => ({ path: worker, namespace: "text" }));
    onResolve({ filter: /^\.\/lab\.js$/ }, ({ importer }) => (importer === main ? { path: lab } : undefined));
    // Stays a module beside the script.
    onResolve({ filter: /^site:lab$/ }, () => ({ path: "./lab.js", external: true }));
    onLoad({ filter: /.*/, namespace: "text" }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      return { contents: text.replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n"), loader: "text" };
    });
  },
};

await build({
  entryPoints: [entry],
  outfile: into,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "utf8",
  legalComments: "none", // licenses.html names them
  logLevel: "error",
  plugins: [parts],
});
