// What the browser remembers until the next visit: names, never a ticket.

export interface Last {
  host?: string;
  dir?: string;
}

// Two gateways below one address do not share hosts.
const key = `sftpgate.place ${new URL("..", import.meta.url).pathname}`;

export function recall(): Last {
  try {
    const last: unknown = JSON.parse(localStorage.getItem(key) ?? "{}");
    return typeof last === "object" && last ? (last as Last) : {};
  } catch {
    return {};
  }
}

export function remember(last: Last): void {
  try {
    localStorage.setItem(key, JSON.stringify(last));
  } catch {
    // A browser that keeps nothing asks again the next time.
  }
}
