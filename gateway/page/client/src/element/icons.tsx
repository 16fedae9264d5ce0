import { h } from "./dom.ts";

const again = "M13 8a5 5 0 1 1-1.6-3.7M13 2v3h-3";

const lines = {
  pause: "M5.5 3.5v9M10.5 3.5v9",
  resume: "M5 3.2v9.6L12.5 8z",
  retry: again,
  restart: again,
  cancel: "M4 4l8 8M12 4l-8 8",
  remove: "M3 4.5h10M6 4.5v-2h4v2M4.5 4.5l.6 9h5.8l.6-9",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
};

/** A button that shows an icon, and says what it does to which file. */
export const iconButton = (icon: keyof typeof lines, label: string, name: string, press: () => void, hidden = false) => (
  <button type="button" class="icon" part="button" hidden={hidden} title={label} aria-label={`${label}: ${name}`} onclick={press}>
    <svg viewBox="0 0 16 16" aria-hidden="true"><path d={lines[icon]} /></svg>
  </button>
);
