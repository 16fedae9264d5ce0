import { Gate } from "./gate.ts";
import { Health } from "./health.ts";
import { Listings } from "./listings.ts";
import { Place } from "./place.ts";
import { type Auth, Session } from "./session.ts";
import { Ticket } from "./ticket.ts";
import { Uploads } from "./uploads.ts";
import { Voice } from "./voice.ts";

/** Desk is all that the parts of the page share. */
export interface Desk {
  /** The gateway's address, with a slash at its end. */
  base: string;
  demo: boolean;
  gate: Gate;
  ticket: Ticket;
  session: Session;
  place: Place;
  listings: Listings;
  health: Health;
  uploads: Uploads;
  voice: Voice;
}

/** openDesk reads what the template says, and puts the stores together. */
export function openDesk(document: Document): Desk {
  // This module is at {prefix}/assets/page.js.
  const base = new URL("..", import.meta.url).href;
  const { auth, demo } = document.documentElement.dataset;
  const origins = document.querySelector<HTMLMetaElement>("meta[name=sftpgate-origins]")?.content ?? "";
  const ticket = new Ticket(origins.split(/\s+/).filter(Boolean));
  const gate = new Gate(base, ticket);
  const session = new Session((auth ?? "none") as Auth, gate, ticket);
  const place = new Place(gate, session);
  const health = new Health(place, () => session.may("read") && session.standing === "in");
  const uploads = new Uploads(gate, session);
  return { base, demo: demo === "true", gate, ticket, session, place, listings: new Listings(gate, session), health, uploads, voice: new Voice() };
}
