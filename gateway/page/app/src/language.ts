import { Store } from "./store.ts";
import { en, type Words } from "./words/en.ts";
import { zh } from "./words/zh.ts";

export type Tag = "en" | "zh-CN";

const all: Record<Tag, Words> = { en, "zh-CN": zh };
const key = "sftpgate.language";

/** Language is the one the page speaks: the one chosen last, else the browser's. */
class Language extends Store {
  tag: Tag = chosen() ?? preferred(navigator.languages);

  get words(): Words {
    return all[this.tag];
  }

  choose(tag: Tag): void {
    this.tag = tag;
    try {
      localStorage.setItem(key, tag);
    } catch {
      // A browser that keeps nothing asks its own language the next time.
    }
    this.apply();
    this.changed();
  }

  /** apply tells the document, and what the template wrote into it. */
  apply(): void {
    document.documentElement.lang = this.tag;
    for (const e of document.querySelectorAll<HTMLElement>("[data-text]")) {
      const text = this.words.template[e.dataset.text as keyof Words["template"]];
      if (text) e.textContent = text;
    }
  }
}

function chosen(): Tag | undefined {
  try {
    const tag = localStorage.getItem(key);
    return tag === "en" || tag === "zh-CN" ? tag : undefined;
  } catch {
    return undefined;
  }
}

/** preferred is the first of the browser's languages that is spoken here. */
export function preferred(languages: readonly string[]): Tag {
  for (const l of languages) {
    if (/^zh\b/i.test(l)) return "zh-CN";
    if (/^en\b/i.test(l)) return "en";
  }
  return "en";
}

export const language = new Language();
