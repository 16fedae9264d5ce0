// Drives Chromium for Go tests. A request is a line of JSON on standard input, its answer
// a line on standard output, in whichever order they end; between them stands what pages
// tell and what breaks in them. The browser ends with the input.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");

// What a window shows around its page is pages as well, which compute for a second in
// each: those of the address bar are left out. The others are Playwright's own, since the
// last list is the one that counts.
const without = [
  "WebUIOmniboxPopup", "WebUIOmniboxAimPopup",
  "AvoidUnnecessaryBeforeUnloadCheckSync", "BoundaryEventDispatchTracksNodeRemoval", "DestroyProfileOnBrowserClose",
  "DialMediaRouteProvider", "GlobalMediaControls", "HttpsUpgrades", "LensOverlay", "MediaRouter", "OptimizationHints",
  "PaintHolding", "RenderDocument", "ThirdPartyStoragePartitioning", "Translate",
];

// The headless shell is the same Chromium without what a window shows around its page, which
// takes a quarter of the processor's time; CHROMIUM names another one.
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"].find(existsSync),
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--enable-precise-memory-info",
    `--disable-features=${without}`,
    // A name that is no secure context, as panels on plain HTTP have.
    "--host-resolver-rules=MAP *.test 127.0.0.1"],
});

// As long as only a hang takes.
const patience = Number(process.env.PATIENCE) || 120_000;

let count = 0;
const windows = new Map(); // what pages store ends with their window
const pages = new Map();
const at = ({ page, selector }) => pages.get(page).locator(selector).first();
// devtools is for what Playwright has no words for.
async function devtools(page, work) {
  const p = pages.get(page);
  const session = await p.context().newCDPSession(p);
  try {
    return await work((method, params) => session.send(method, params));
  } finally {
    await session.detach();
  }
}

// skeleton is all of a document that axe judges by, without its words and figures: what
// elements there are, shadow trees too, each run of equal ones once, with their attributes.
function skeleton() {
  const worded = /^(aria-label|aria-value.*|aria-describedby|aria-posinset|aria-setsize|title|alt|id|for|href|src|style|value|datetime|placeholder|data-(?!state|settled).*)$/;
  const told = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return node.data.trim() && "text";
    if (node.nodeType !== Node.ELEMENT_NODE || node.localName === "script") return "";
    const attributes = [...node.attributes].map(({ name, value }) => (worded.test(name) || node.localName.includes("-") ? `${name}${value && "?"}` : `${name}=${value}`));
    return `<${node.localName} ${attributes.sort()}>${all(node.shadowRoot)}${all(node)}</>`;
  };
  const all = (parent) => [...(parent?.childNodes ?? [])].map(told).filter((one, i, every) => one !== every[i - 1]).join("");
  return [location.pathname, innerWidth, matchMedia("(prefers-color-scheme: dark)").matches, all(document)].join(" ");
}
const clean = new Set(); // skeletons in which axe found nothing

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const requests = {
  async window({ options, init }) {
    const w = await browser.newContext({ reducedMotion: "reduce", ...options }); // each frame is computed here
    w.setDefaultTimeout(patience);
    await w.exposeBinding("tell", ({ page }, ...told) => say({ page: page.number, told }));
    if (init) await w.addInitScript(init);
    await w.newPage(); // with its last page a window would end
    windows.set(++count, w);
    return count;
  },
  async open({ window, url }) {
    const page = await windows.get(window).newPage();
    page.number = ++count;
    pages.set(page.number, page);
    page.said = [];
    page.on("console", (m) => page.said.push(`${m.type()}: ${m.text()} ${m.location().url}`));
    page.on("pageerror", (e) => say({ page: page.number, error: e.stack || e.message || JSON.stringify(e) }));
    page.on("dialog", (d) => { page.said.push(`dialog: ${d.type()}`); d.accept(); });
    // Choosers are always caught: a key opens one before a later listener would.
    page.on("filechooser", () => {});
    const got = await page.goto(url);
    if (got && !got.ok()) throw new Error(await got.text());
    return page.number;
  },
  click: (r) => at(r).click(),
  fill: (r) => at(r).fill(r.text),
  choose: (r) => at(r).selectOption(r.text),
  focus: (r) => at(r).focus(),
  press: ({ page, key }) => pages.get(page).keyboard.press(key),
  type: ({ page, text }) => pages.get(page).keyboard.type(text),
  pick: (r) => at(r).setInputFiles(r.files),
  // pickBy picks files in the chooser that a click opens, as a person does: also one who
  // clicks once more when nothing opens. The answer is why that was necessary.
  async pickBy(r) {
    const page = pages.get(r.page);
    const open = (timeout) => Promise.all([page.waitForEvent("filechooser", { timeout }), r.key ? page.keyboard.press(r.key) : at(r).click({ timeout })]);
    let chooser, why = "";
    try {
      [chooser] = await open(patience / 4);
    } catch (e) {
      why = `${e.message}; there are ${r.selector ? await at(r).count() : 0} of it; the page says: ${await page.locator("body").innerText()}`;
      [chooser] = await open(patience).catch((again) => { throw new Error(`${again.message}, and before: ${why}`); });
    }
    await chooser.setFiles(r.files);
    return why;
  },
  // drop is what a browser does with files from another window.
  async drop({ page, selector, files }) {
    const target = at({ page, selector });
    await target.scrollIntoViewIfNeeded();
    const { x, y, width, height } = await target.boundingBox();
    await devtools(page, async (send) => {
      for (const type of ["dragEnter", "dragOver", "drop"]) {
        await send("Input.dispatchDragEvent", { type, x: x + width / 2, y: y + height / 2, data: { items: [], files, dragOperationsMask: 1 } });
      }
    });
  },
  heap: ({ page }) => devtools(page, async (send) => {
    await send("HeapProfiler.collectGarbage");
    const { usedSize, backingStorageSize = 0 } = await send("Runtime.getHeapUsage");
    return Math.round(usedSize + backingStorageSize);
  }),
  wait: (r) => at(r).waitFor({ state: r.state }),
  count: ({ page, selector }) => pages.get(page).locator(selector).count(),
  text: (r) => at(r).innerText(),
  attribute: (r) => at(r).getAttribute(r.name),
  evaluate: ({ page, script }) => pages.get(page).evaluate(script),
  reload: async ({ page }) => { await pages.get(page).reload(); },
  offline: ({ window, offline }) => windows.get(window).setOffline(offline),
  screenshot: async ({ page, path }) => { await pages.get(page).screenshot({ path, animations: "disabled" }); },
  // barriers are what axe finds serious or critical, in words. It takes longer than all else
  // that a page does in a test, so it looks once at pages that differ in words alone.
  async barriers({ page }) {
    const p = pages.get(page);
    const before = await p.evaluate(skeleton);
    if (clean.has(before)) return [];
    if (!(await p.evaluate(() => "axe" in window))) await p.evaluate(axe);
    const { violations } = await p.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
    const grave = violations.filter((v) => v.impact === "serious" || v.impact === "critical");
    if (!grave.length && before === await p.evaluate(skeleton)) clean.add(before);
    return grave.map((v) => `${v.impact} ${v.id}: ${v.help}: ${v.nodes.map((n) => `${n.target.flat().join(" ")} ${n.failureSummary}`).join("; ")}`);
  },
  said: ({ page }) => pages.get(page).said,
  leave: ({ page }) => pages.get(page).close(),
  close: ({ window }) => windows.get(window).close(),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, ...r } = JSON.parse(line);
  Promise.resolve().then(() => requests[r.do](r)).then(
    (value) => say({ id, value }),
    (error) => say({ id, error: String(error.message ?? error) }),
  );
}
await browser.close();
