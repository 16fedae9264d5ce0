import { html } from "lit";
import { customElement } from "lit/decorators.js";
import "./copy.ts";
import { Part } from "./part.ts";

/** <sg-command-copy> puts a command of the template into the clipboard: the heading and the block are next to it. */
@customElement("sg-command-copy")
export class CommandCopy extends Part {
  protected override render() {
    const heading = this.nextElementSibling;
    return html`<sg-copy .desk=${this.desk} .text=${heading?.nextElementSibling?.textContent ?? ""} .label=${this.t.copyCommand}
      .of=${heading?.textContent ?? ""}></sg-copy>`;
  }
}
