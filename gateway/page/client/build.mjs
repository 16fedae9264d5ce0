// Bundles src/ into dist/sftpgate.js, which loads nothing else.
import { build } from "esbuild";
import { readFile } from "node:fs/promises";

// Line breaks in templates are for who reads them.
const templates = {
  name: "templates",
  setup(build) {
    build.onLoad({ filter: /src\/element\/.*\.ts$/ }, async ({ path }) => ({
      loader: "ts", contents: (await readFile(path, "utf8")).replace(/\n\s+/g, "\n").replace(/>\n</g, "><"),
    }));
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => ({
      loader: "text", contents: (await build.esbuild.transform(await readFile(path, "utf8"), { loader: "css", minify: true })).code,
    }));
  },
};

await build({
  entryPoints: ["src/sftpgate.ts"],
  outfile: process.argv[2] ?? "dist/sftpgate.js",
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  inject: ["src/globals.ts"],
  plugins: [templates],
  logLevel: "warning",
});
