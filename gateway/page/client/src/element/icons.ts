import { html } from "lit-html";

const icon = (d: string) => html`<svg viewBox="0 0 16 16" aria-hidden="true"><path d=${d}></path></svg>`;

export const icons = {
  pause: icon("M5.5 3.5v9M10.5 3.5v9"),
  resume: icon("M5 3.2v9.6L12.5 8z"),
  retry: icon("M13 8a5 5 0 1 1-1.6-3.7M13 2v3h-3"),
  cancel: icon("M4 4l8 8M12 4l-8 8"),
  remove: icon("M3 4.5h10M6 4.5v-2h4v2M4.5 4.5l.6 9h5.8l.6-9"),
  copy: icon("M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3"),
};
