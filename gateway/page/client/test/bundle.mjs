import { build } from "esbuild";
import { fileURLToPath } from "node:url";

/** Imports modules of src/ as they are, as one and without building the package. */
export async function load(...names) {
  const { outputFiles: [{ text }] } = await build({
    stdin: {
      contents: names.map((name) => `export * from "./${name}";`).join("\n"),
      resolveDir: fileURLToPath(new URL("../src", import.meta.url)),
    },
    bundle: true, format: "esm", target: "es2022", write: false, logLevel: "error",
  });
  return import(`data:text/javascript;base64,${Buffer.from(text).toString("base64")}`);
}
