import { openDesk } from "./desk.ts";
import { language } from "./language.ts";
import { App } from "./parts/app.ts";
import { Bar } from "./parts/bar.ts";
import { CommandCopy } from "./parts/command-copy.ts";

// The page's beginning: the stores, then the parts that show them.

const desk = openDesk(document);
language.apply();
for (const [place, part] of [["#bar", new Bar()], ["#app", new App()]] as const) {
  part.desk = desk;
  document.querySelector(place)!.append(part);
}
for (const heading of document.querySelectorAll(".script h2")) {
  const copy = new CommandCopy();
  copy.desk = desk;
  heading.before(copy);
}
void desk.session.ask();
