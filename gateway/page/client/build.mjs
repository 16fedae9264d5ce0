// Bundles src/ into dist/sftpgate.js, which loads nothing else.
import { build } from "esbuild";
import { readFile } from "node:fs/promises";

const styles = {
  name: "styles",
  setup({ onLoad, esbuild }) {
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await esbuild.transform(await readFile(path, "utf8"), { loader: "css", minify: true });
      return { loader: "text", contents: code.trim() };
    });
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
  plugins: [styles],
  logLevel: "warning",
});
