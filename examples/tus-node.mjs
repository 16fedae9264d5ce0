// Sends a file from Node.js with tus-js-client:
//
//   node tus-node.mjs disk.img https://gate.example.com web-1/srv/files
//
// Interrupted, and run again, it goes on where it was: what it knows of an upload is
// kept in sftpgate-uploads.json, in the directory that it runs in.
import { createReadStream, statSync } from "node:fs";
import { basename } from "node:path";
import { FileUrlStorage, Upload } from "tus-js-client";

const [path, gate, place] = process.argv.slice(2);

const upload = new Upload(createReadStream(path), {
  endpoint: `${gate}/tus/${place}/`,
  headers: {}, // with --auth jwt: { Authorization: `Bearer ${ticket}` }
  uploadSize: statSync(path).size,
  metadata: { filename: basename(path) },
  retryDelays: [0, 1000, ...Array(100).fill(2000)], // counted anew whenever bytes have arrived
  urlStorage: new FileUrlStorage("sftpgate-uploads.json"),
  removeFingerprintOnSuccess: true, // or the file is never sent again
  // While the gateway is away, a proxy's 502 to HEAD would have the library begin anew.
  onAfterResponse(request, answer) {
    if (request.getMethod() === "HEAD" && answer.getStatus() >= 500) throw new Error("the gateway is away");
  },
  onProgress: (sent, size) => process.stderr.write(`\r${Math.floor((100 * sent) / size)} %`),
  onSuccess: () => console.log(`\n${basename(path)} is at its place`),
  onError: (error) => {
    console.error(`\n${error.originalResponse?.getBody() || error.message}`);
    process.exitCode = 1;
  },
});
const [before] = await upload.findPreviousUploads();
if (before) upload.resumeFromPreviousUpload(before);
upload.start();
