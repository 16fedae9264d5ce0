/** Asks a panel's back end for a fresh ticket: its text, or the `ticket` in its JSON. */
export async function fetchTicket(url: string): Promise<string> {
  const answer = await fetch(url, { credentials: "include", cache: "no-store" });
  const text = (await answer.text()).trim();
  if (!answer.ok) throw new Error(`${url}: HTTP ${answer.status}`);
  return text[0] === "{" ? (JSON.parse(text) as { ticket: string }).ticket : text;
}
