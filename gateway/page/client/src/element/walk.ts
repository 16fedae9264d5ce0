/** A picked file and where it lies below what was picked, as "photos/2026/a.jpg". */
export interface Picked { file: File; name: string }

type Lost = (name: string) => void;

const junk = /(^|\/)(\.DS_Store|Thumbs\.db|desktop\.ini|\._[^/]*)$/i;

/** Whether a file was left there by an operating system for itself. */
export const isJunk = (name: string): boolean => junk.test(name);

/**
 * The files of a list, and of all directories in what was dropped, in batches as they are found.
 * What cannot be read is told to `lost` by its name, and all the rest is found nevertheless.
 */
export async function* pickedIn(from: File | Iterable<File> | ArrayLike<File> | DataTransfer, lost: Lost): AsyncGenerator<Picked[]> {
  if (from instanceof File) from = [from];
  if (!("items" in from)) {
    yield Array.from(from, (file) => ({ file, name: file.webkitRelativePath || file.name }));
    return;
  }
  // All of them at once: after the first await a DataTransfer is empty.
  const entries = [...from.items].map((item) => item.webkitGetAsEntry?.());
  if (!entries.some((e) => e)) {
    yield* pickedIn(from.files, lost);
    return;
  }
  for (const entry of entries) if (entry) yield* walk(entry, lost);
}

async function* walk(entry: FileSystemEntry, lost: Lost): AsyncGenerator<Picked[]> {
  try {
    if (entry.isFile) {
      const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
      yield [{ file, name: entry.fullPath.slice(1) }];
      return;
    }
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    for (;;) {
      // A reader hands out a hundred entries at a time, and none at the end.
      const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
      if (!some.length) return;
      const files: Picked[] = [];
      for (const e of some) {
        for await (const found of walk(e, lost)) {
          if (e.isFile) files.push(...found);
          else yield found;
        }
      }
      yield files;
    }
  } catch {
    lost(entry.fullPath.slice(1));
  }
}
