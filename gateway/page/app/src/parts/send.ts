import { html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { GateError, SftpgateUpload } from "sftpgate";
import { bytes, moment } from "../format.ts";
import { language } from "../language.ts";
import { split } from "../paths.ts";
import type { Upload } from "../wire.ts";
import { Part } from "./part.ts";

/** Busy is a path that somebody else is uploading to. */
interface Busy {
  path: string;
  host: string;
  user: string;
}

/** How many busy paths are told at once. */
const most = 3;

/** <sg-send> is the element that sends, with what this page knows around it. */
@customElement("sg-send")
export class Send extends Part {
  /** Whether nothing new may be sent; what has begun goes on. */
  @property({ type: Boolean }) shut = false;
  @state() private dropping = false;
  @state() private busy: Busy[] = [];
  private depth = 0;
  /** The ticket that the element was given last. */
  private given = "";
  private unwatch?: () => void;

  protected override stores() {
    return [this.desk.place, this.desk.session];
  }

  private get element(): SftpgateUpload | null {
    return this.find<SftpgateUpload>("sftpgate-upload");
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.desk.uploads.shown = this.shown;
    this.unwatch = this.desk.ticket.watch(this.another);
    for (const [name, hear] of this.drops) window.addEventListener(name, hear as EventListener);
    document.addEventListener("resume-file", this.resume as EventListener);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.unwatch?.();
    for (const [name, hear] of this.drops) window.removeEventListener(name, hear as EventListener);
    document.removeEventListener("resume-file", this.resume as EventListener);
  }

  protected override render() {
    const { session, place, base } = this.desk;
    const c = session.caller;
    // What has begun is shown whatever another ticket allows.
    const shut = this.shut || !session.may("upload");
    const begun = (this.element?.items.length ?? 0) > 0;
    if (shut && !this.shut && !begun) return html`<section class="card"><p>${this.t.noUpload}</p></section>`;
    const ready = place.host !== undefined && place.dir !== "" && !shut;
    // What has begun goes on behind a closed door; where nothing has there is nothing to show.
    const empty = shut && !begun;
    return html`<section class="card send ${this.dropping ? "dropping" : ""} ${shut ? "shut" : ""}" ?hidden=${empty} aria-labelledby="send">
      <h2 id="send">${this.heading(shut)}</h2>
      ${!shut && (c?.max_size || c?.expires_at) ? html`<p class="quiet limits">${this.t.limits(c.max_size ? bytes(c.max_size) : "", c.expires_at ? moment(c.expires_at) : "")}</p>` : nothing}
      ${this.busy.map((b) => this.busyNote(b))}
      <sftpgate-upload endpoint=${base} lang=${language.tag} host=${place.host?.id ?? ""} dir=${place.dir} max-size=${c?.max_size ?? nothing} digest="whole"
        ?disabled=${!ready} ?no-cancel=${!session.may("cancel")} .ticket=${session.auth === "jwt" ? this.ticket : undefined}
        @upload-success=${this.succeeded} @upload-error=${this.failed} @upload-start=${this.touched} @upload-abort=${this.look} @merge-progress=${this.moved}
        @upload-progress=${this.moved} @host-error=${this.hostFailed}></sftpgate-upload>
      ${this.dropping ? html`<p class="drop" role="status">${ready ? this.t.dropHere(this.where()) : this.t.dropNowhere}</p>` : nothing}
    </section>`;
  }

  private where(): string {
    const { place } = this.desk;
    return this.t.to(place.label(place.host!.id), place.dir);
  }

  private heading(shut: boolean): string {
    const { place } = this.desk;
    if (shut) return this.t.begun;
    return place.host && place.dir ? this.t.sendTo(this.where()) : this.t.send;
  }

  private busyNote(b: Busy) {
    return html`<div class="banner" role="alert">
      <p>${this.t.busy(b.path, this.desk.place.label(b.host), b.user)} ${this.t.busyNext}</p>
      <button type="button" class="plain" @click=${() => (this.busy = this.busy.filter((x) => x !== b))}>${this.t.dismiss}</button>
    </div>`;
  }

  /** The element asks for a ticket before each upload, and when the gateway takes one no longer. */
  private ticket = async (): Promise<string> => {
    const { ticket, session } = this.desk;
    const fresh = session.standing === "in" && ticket.text !== this.given ? "" : await ticket.renewed();
    return (this.given = fresh || ticket.text);
  };

  /** Another ticket is used from the next file on: the element asks anew once it is told whom to ask. */
  private another = () => {
    this.given = "";
    if (this.element && this.desk.session.auth === "jwt") this.element.ticket = this.ticket;
  };

  private touched = () => this.desk.uploads.touch();

  private look = () => this.desk.uploads.soon();

  private moved = (e: Told) => {
    this.desk.uploads.touch();
    this.desk.health.well(e.detail.item.host);
  };

  private succeeded = (e: Told) => {
    const { host, path } = e.detail.item;
    this.moved(e);
    if (host === this.desk.place.host?.id) this.desk.listings.stale(host, split(path).dir, this.desk.place.roots);
    this.look();
  };

  private failed = (e: Failed) => {
    const { item: { host, path }, error } = e.detail;
    this.desk.uploads.touch();
    this.desk.session.refused(error);
    // The row says that somebody is there; who it is the gateway tells administrators.
    const user = error.upload?.user;
    if (error.code !== "owned-by-another" || !user) return;
    this.busy = [...this.busy.filter((b) => b.path !== path || b.host !== host), { path, host, user }].slice(-most);
  };

  private hostFailed = (e: Failed) => {
    const { item: { host }, error } = e.detail;
    // No space and no permission are told at the file; the host itself is well.
    if (error.code.startsWith("host-")) this.desk.health.report(host, error.detail, error.code === "host-refused");
  };

  private resume = (e: CustomEvent<{ file: File; upload: Upload }>) => {
    const { file, upload } = e.detail;
    void this.element?.add(file, { host: upload.host, path: upload.path });
    this.element?.scrollIntoView({ block: "nearest" });
  };

  /** shown are the uploads that the element shows: what failed there is tried again there. */
  private shown = () => {
    const items = (this.element?.items ?? []).filter((i) => i.open || i.state === "failed" || i.state === "done");
    return new Set(items.flatMap((i) => i.upload?.id ?? i.result?.id ?? []));
  };

  private drops: [string, (e: DragEvent) => void][] = [
    ["dragenter", (e) => this.over(e, 1)],
    ["dragleave", (e) => this.over(e, -1)],
    ["dragover", (e) => hasFiles(e) && e.preventDefault()],
    ["drop", (e) => {
      this.depth = 0;
      this.dropping = false;
      // What falls onto the element is the element's.
      if (!hasFiles(e) || e.defaultPrevented) return;
      e.preventDefault();
      if (e.dataTransfer && this.element && !this.element.disabled) void this.element.add(e.dataTransfer);
    }],
  ];

  /** A drag enters and leaves every element on its way; the page is left when all are. */
  private over(e: DragEvent, by: number): void {
    if (!hasFiles(e)) return;
    this.depth = Math.max(0, this.depth + by);
    this.dropping = this.depth > 0;
  }
}

type Told = CustomEvent<{ item: SftpgateUpload["items"][number] }>;
type Failed = CustomEvent<{ item: SftpgateUpload["items"][number]; error: GateError }>;

const hasFiles = (e: DragEvent) => e.dataTransfer?.types.includes("Files") ?? false;
