/** A picked file and where it lies below what was picked, as "photos/2026/a.jpg". */
export interface Picked { file: File; name: string }

/** The names of what holds no files: what could not be read, and folders with nothing in them. */
export interface Without { lost: string[]; empty: string[] }

const junk = /(^|\/)(\.DS_Store|Thumbs\.db|desktop\.ini|\._[^/]*)$/i;

/** Whether a file was left there by an operating system for itself. */
export const isJunk = (name: string): boolean => junk.test(name);

/**
 * The files of a list, and of all directories in what was dropped, in batches as they are found.
 * What cannot be read is noted, and all the rest is found nevertheless.
 */
export async function* pickedIn(from: File | Iterable<File> | ArrayLike<File> | DataTransfer, without: Without): AsyncGenerator<Picked[]> {
  if (from instanceof File) from = [from];
  if (!("items" in from)) {
    yield Array.from(from, (file) => ({ file, name: file.webkitRelativePath || file.name }));
    return;
  }
  // All of them at once: after the first await a DataTransfer is empty.
  const entries = [...from.items].map((item) => item.webkitGetAsEntry?.());
  if (!entries.some((e) => e)) {
    yield* pickedIn(from.files, without);
    return;
  }
  for (const entry of entries) if (entry) yield* walk(entry, without);
}

async function* walk(entry: FileSystemEntry, without: Without): AsyncGenerator<Picked[]> {
  try {
    if (entry.isFile) {
      const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
      yield [{ file, name: entry.fullPath.slice(1) }];
      return;
    }
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    for (let any = false; ; any = true) {
      // A reader hands out a hundred entries at a time, and none at the end.
      const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
      if (!some.length) {
        if (!any) without.empty.push(entry.fullPath.slice(1));
        return;
      }
      const files: Picked[] = [];
      for (const e of some) {
        for await (const found of walk(e, without)) {
          if (e.isFile) files.push(...found);
          else yield found;
        }
      }
      yield files;
    }
  } catch {
    without.lost.push(entry.fullPath.slice(1));
  }
}
