// Drives Chromium for the tests. A request is a line of JSON on standard input, its
// answer a line on standard output, in whichever order they end; between them stands
// what pages show of their files, as it changes, and what breaks in them. The browser ends with the input.
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

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    `--disable-features=${without}`],
});

let count = 0;
const windows = new Map(); // what pages store ends with their window
const pages = new Map();

// watch runs in every page, and tells when a line of the list gets another state.
function watch() {
  const told = new WeakMap();
  new MutationObserver(() => {
    for (const line of document.querySelectorAll("#list li[data-state]")) {
      const { name, state } = line.dataset;
      if (told.get(line) === state) continue;
      told.set(line, state);
      window.shown(name, state, line.textContent);
    }
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-state"] });
}

const requests = {
  async window() {
    // Small: without a graphics card each frame is painted by the processor, and there
    // are libraries that wait for a hundred of them before they send (FilePond).
    const w = await browser.newContext({ viewport: { width: 320, height: 240 } });
    await w.exposeBinding("shown", ({ page }, name, state, text) => say({ page: page.number, name, state, text }));
    await w.addInitScript(watch);
    await w.newPage(); // with its last page a window would end
    windows.set(++count, w);
    return count;
  },
  async open({ window, url }) {
    const page = await windows.get(window).newPage();
    page.number = ++count;
    pages.set(page.number, page);
    page.said = [];
    page.on("console", (m) => page.said.push(m.text()));
    page.on("pageerror", (e) => say({ page: page.number, text: e.stack || e.message || JSON.stringify(e) }));
    const got = await page.goto(url);
    if (!got.ok()) throw new Error(await got.text());
    return page.number;
  },
  pick: ({ page, input, files }) => pages.get(page).setInputFiles(input, files),
  evaluate: ({ page, script }) => pages.get(page).evaluate(script),
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
