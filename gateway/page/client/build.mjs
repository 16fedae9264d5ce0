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

// What only the module's own code reads, by its name: these get short ones. Everything else is
// seen by pages, by the gateway or by the browser, or is looked up by a text.
const ours = [
  "answer", "conflicts", "decide", "door", "filesAtOnce", "fire", "flew", "flown", "fly", "forAll", "giveBack", "hashed",
  "meet", "meter", "onProgress", "owner", "passed", "patience", "pressed", "publishes", "pump", "reached", "safe",
  "shrink", "tally", "tell", "took", "touch", "waits", "watcher", "without",
  // of the texts
  "again", "cancelAll", "chooseFiles", "chooseFolder", "copyDigest", "copyPath", "counts", "deletes", "dismiss",
  "duplicate", "exists", "failedCount", "gatewayAway", "hostAway", "junk", "noTarget", "notCopied", "notRead",
  "offline", "onHost", "overall", "pauseAll", "progress", "queue", "resumeAll", "retryAll", "tooLarge", "yours",
];

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
  mangleProps: new RegExp(`^(${ours.join("|")})$`),
  logLevel: "warning",
});
