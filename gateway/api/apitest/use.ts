// A program against the client that is generated from the API's description:
// it sends a file to a gateway in chunks, follows it to its end, and meets a refusal.
import { finishUpload, getUpload, listUploads, openUpload, putChunk, putFile, watchUpload } from "./client";
import type { Problem, Upload } from "./client";
import { client } from "./client/client.gen";

declare const process: { argv: string[]; exit(status: number): never };

const [base, dir] = process.argv.slice(2);
client.setConfig({ baseUrl: base, auth: (way) => (way.type === "apiKey" ? "alice" : undefined) });

async function main() {
  const path = `${dir}/generated.txt`;
  const opened = await openUpload({ body: { host: "web-1", path, size: 10, chunk_size: 5 }, throwOnError: true });
  const id = opened.data.id;
  for (const [index, text] of ["01234", "56789"].entries()) {
    await putChunk({ path: { id, index }, body: new Blob([text]), throwOnError: true });
  }
  const { stream } = await watchUpload({ path: { id } });
  const told: Upload[] = [];
  const following = (async () => {
    for await (const event of stream) told.push(event as unknown as Upload);
  })();
  const finishing = await finishUpload({ path: { id }, throwOnError: true });
  want(["merging", "verifying", "publishing", "done"].includes(finishing.data.state), finishing.data);
  await following;
  want(told.at(-1)?.state === "done" && told.at(-1)?.received_bytes === 10, told);

  const upload = await getUpload({ path: { id }, throwOnError: true });
  want(upload.data.received?.[0]?.[1] === 10, upload.data);
  const list = await listUploads({ throwOnError: true });
  want(list.data.uploads.some((u) => u.id === id && u.verified === "spans"), list.data);

  const again = await putFile({ path: { host: "web-1", path: path.slice(1) }, body: new Blob(["x"]) });
  const refused: Problem | undefined = again.error;
  want(refused?.code === "target-exists" && refused.size === 10, again);
}

function want(holds: boolean, what: unknown) {
  if (!holds) throw new Error(`unexpected: ${JSON.stringify(what)}`);
}

main().catch((err) => {
  console.error(err);
  process.exit(1);
});
