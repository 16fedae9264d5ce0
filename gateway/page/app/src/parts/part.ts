import { LitElement } from "lit";
import { property } from "lit/decorators.js";
import type { Desk } from "../desk.ts";
import { language } from "../language.ts";
import type { Store } from "../store.ts";
import type { Words } from "../words/en.ts";

/**
 * Part is a piece of the page. It renders into the page itself, so that one
 * style sheet and one set of labels serve all, and again whenever one of its
 * stores or the language changes.
 */
export abstract class Part extends LitElement {
  @property({ attribute: false }) desk!: Desk;
  private ends: (() => void)[] = [];

  /** The texts in the reader's language. */
  protected get t(): Words {
    return language.words;
  }

  /** What the part shows, besides the language. */
  protected stores(): Store[] {
    return [];
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.ends = [language, ...this.stores()].map((s) => s.watch(() => this.requestUpdate()));
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const end of this.ends) end();
  }

  /** find returns the first element of the part that matches. */
  protected find<E extends HTMLElement>(selector: string): E | null {
    return this.querySelector<E>(selector);
  }

  /** focusOn moves the focus once what has been asked for is rendered. */
  protected async focusOn(selector: string): Promise<void> {
    await this.updateComplete;
    this.find(selector)?.focus();
  }
}
