/** Files that a user dropped or chose, as pairs of a path and a File; folders are gone through. */

const MOST = 20_000;

/** Return the files of an `<input type=file>`; the name of a chosen folder itself is left out of their paths. */
export function filesOfPicker(picker) {
  const files = [...picker.files].map((file) => [file.webkitRelativePath.split("/").slice(1).join("/") || file.name, file]);
  picker.value = "";
  return files;
}

/** Return the files of a drop, those inside of folders included. */
export async function filesOfDrop(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) return [...transfer.files].map((file) => [file.name, file]);
  const found = [];
  const isOneFolder = entries.length === 1 && entries[0].isDirectory;
  for (const entry of entries) await walk(entry, isOneFolder ? "" : entry.name, found);
  return found;
}

async function walk(entry, path, found) {
  if (found.length > MOST) throw new Error(`the folder has more than ${MOST} files; send it as a zip archive`);
  if (entry.isFile) {
    found.push([path, await new Promise((resolve, reject) => entry.file(resolve, reject))]);
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // a part at a time
    if (some.length === 0) return;
    for (const inner of some) await walk(inner, path ? `${path}/${inner.name}` : inner.name, found);
  }
}
