// A panel in a few lines: it shows who is logged in a page that sends files to one
// directory, and signs the tickets for it.
import { createHmac } from "node:crypto";
import { createServer } from "node:http";

const { PORT = "3000", GATE = "https://gate.example.com", HOST = "web-1", DIR = "/srv/files", SECRET } = process.env;

const userOf = (request) => "alice"; // your own login goes here

function ticket(user) {
  const part = (claims) => Buffer.from(JSON.stringify(claims)).toString("base64url");
  const exp = Math.floor(Date.now() / 1000) + 600;
  const signed = part({ alg: "HS256" }) + "." + part({ sub: user, aud: "sftpgate", exp, hosts: [HOST], paths: [DIR] });
  return signed + "." + createHmac("sha256", SECRET).update(signed).digest("base64url");
}

const page = `<!doctype html>
<html lang="en">
<title>Panel</title>
<script type="module" src="${GATE}/client/sftpgate.js" crossorigin
  integrity="sha384-L1v7xN7bRnhWNJHpJYbMOXc72+B9CcMZyZEZW4oKqZh3O6iEsbZmX/yUTt6yI9sy"></script>
<h1>Send files</h1>
<sftpgate-upload endpoint="${GATE}" host="${HOST}" dir="${DIR}" ticket-url="/ticket"></sftpgate-upload>`;

createServer((request, response) => {
  const user = userOf(request);
  if (!user) response.writeHead(401).end();
  else if (request.url === "/ticket") response.setHeader("Cache-Control", "no-store").end(ticket(user));
  else response.setHeader("Content-Type", "text/html").end(page);
}).listen(PORT, "127.0.0.1");
