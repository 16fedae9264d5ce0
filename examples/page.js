// What every page here shows: a line for each file, how far all of them are, and
// the last thing that the person should know. In a panel this is your own code.
const lines = new Map();

// show writes a file's line. state is "sending", "done" or "failed"; what is how far
// it is (0 to 1), or a sentence.
function show(name, state, what) {
  let line = lines.get(name);
  if (!line) {
    line = document.createElement("li");
    lines.set(name, line);
    document.getElementById("list").append(line);
  }
  // Of an empty file the libraries say NaN.
  const far = state === "done" ? 1 : typeof what === "number" ? what || 0 : Number(line.dataset.far ?? 0);
  const said = typeof what === "string" ? what : state === "sending" ? `${Math.floor(100 * far)} %` : state;
  Object.assign(line.dataset, { name, state, far });
  line.textContent = `${name}: ${said}`;
  if (typeof what === "string") document.getElementById("status").textContent = `${name}: ${what}`;
  const all = [...lines.values()].map((l) => Number(l.dataset.far));
  document.getElementById("progress").value = all.reduce((a, b) => a + b) / all.length;
}

// sentence finds what the gateway says in an answer's body. Without an answer there
// is nothing to find, and it gives the second argument.
function sentence(body, otherwise = "the gateway cannot be reached") {
  try {
    const said = JSON.parse(body);
    return said.detail || said.error?.message || said.error || said.message || said.msg || otherwise;
  } catch {
    return body || otherwise;
  }
}

// passing tells by an answer's status (0: there was none) whether it is worth another
// try: the gateway or a host is away for a while, or busy.
function passing(status) {
  return !status || [408, 429, 502, 503, 504].includes(status);
}
