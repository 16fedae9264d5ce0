export const en = {
  tag: "en",
  drop: "Drop files or folders here, or",
  chooseFiles: "Choose files",
  chooseFolder: "Choose folder",
  host: "Host",
  queue: "Upload queue",
  to: (place: string) => `They go to ${place}`,
  dismiss: "Dismiss",

  queued: "Waiting",
  opening: "Preparing",
  sending: "Sending",
  merging: "Merging on host",
  paused: "Paused",
  conflict: "Needs a decision",
  done: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
  skipped: "Skipped",
  offline: "Waiting for network",
  hostAway: "Waiting for host",
  again: "Trying again",

  progress: (sent: number, merged: number) => `sent ${sent} % · merged ${merged} %`,
  left: (time: string) => `${time} left`,
  counts: (done: number, all: number) => `${done} of ${all} done`,
  files: (n: number) => `${n} files`,
  overall: "All files",

  pause: "Pause",
  resume: "Resume",
  retry: "Retry",
  restart: "Start over",
  cancel: "Cancel",
  remove: "Remove",
  pauseAll: "Pause all",
  resumeAll: "Resume all",
  retryAll: "Retry all",
  cancelAll: "Cancel all",
  clear: "Clear finished",

  copyPath: "Copy path",
  copyDigest: "Copy SHA-256",
  copied: "Copied",
  checked: "Every chunk was checked as it arrived.",

  exists: "This file already exists",
  onHost: "On the host",
  yours: "Yours",
  replace: "Replace",
  skip: "Skip",
  forAll: "Do the same for all further files",


  noTarget: "There is no host or directory to send to. Choose one first.",
  tooLarge: (name: string, most: string) => `${name} was not added: it is larger than the ${most} allowed here.`,
  duplicate: (name: string) => `${name} was not added: a file for the same place is already in the queue.`,
  junk: (n: number) => `${n} system ${n === 1 ? "file was" : "files were"} left out (such as .DS_Store or Thumbs.db).`,
  notRead: "Some of what you dropped could not be read.",

  errors: {
    network: "The gateway cannot be reached. Check your network, then retry.",
    unreadable: "The file can no longer be read. It was changed, moved or removed: add it again.",
    unauthenticated: "You are not signed in any more. Sign in again, then retry.",
    forbidden: "Writing there is not allowed. Choose another place, or ask for access.",
    "target-exists": "A file of this name exists there, and was kept.",
    "different-file": "Another file is unfinished at this place. If it is yours, start over to give it up.",
    "chunk-conflict": "The file is not the one that was begun here. Start over to send it from the first byte.",
    "too-large": "The file is larger than you may send.",
    "digest-mismatch": "The bytes arrived damaged several times. Retry, or check your network.",
    "owned-by-another": "Somebody else is uploading to this place. Wait, or choose another name.",
    "host-refused": "The host refused the gateway's login. Its operator must mend that.",
    host: "The host cannot be reached or had an error. Retry later.",
    "no-space": "The host has no space left. What was sent is kept: make room, then retry.",
    quota: "Your quota is used up. What was sent is kept: finish or cancel other uploads, then retry.",
    gateway: "The file was not taken. Retry, or ask the gateway's operator.",
  },
};

/** Every text a person sees. Each language has all of them. */
export type Texts = typeof en;
/** The errors that have words of their own. */
export type ErrorText = keyof Texts["errors"];
