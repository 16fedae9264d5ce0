/** Puts text on the clipboard, also on a page that came over plain HTTP. */
export async function copy(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const put = (e: ClipboardEvent) => {
    e.preventDefault();
    e.stopImmediatePropagation();
    e.clipboardData?.setData("text/plain", text);
  };
  document.addEventListener("copy", put, true);
  document.execCommand("copy");
  document.removeEventListener("copy", put, true);
}
