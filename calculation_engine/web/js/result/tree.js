/** Files as a tree of folders. */

import { h, icon } from "../dom.js";
import { bytes, count } from "../format.js";

const FEW = 12;

/**
 * Return the tree of `files`. `href(file)` is where a file's link leads; `path` is the file that is shown;
 * with `isOpen` all folders are open, else those with few files, and those around the file that is shown.
 */
export function tree(files, href, path, isOpen) {
  if (files.length === 0) return h("p", { class: "faint" }, "No file matches.");
  const root = { folders: new Map(), files: [], size: 0 };
  for (const file of files) {
    const names = file.path.split("/").slice(0, -1).filter((name) => name !== "output");
    let here = root;
    for (const name of names) {
      if (!here.folders.has(name)) here.folders.set(name, { folders: new Map(), files: [], size: 0 });
      here = here.folders.get(name);
      here.size += 1;
    }
    here.files.push(file);
  }
  const around = new Set((path ?? "").split("/").slice(0, -1).filter((name) => name !== "output").map((_, i, all) => all.slice(0, i + 1).join("/")));
  return level(root, "", { href, path, around, isOpen: isOpen || files.length <= FEW });
}

function level(folder, prefix, look) {
  const folders = [...folder.folders].map(([name, inner]) => {
    const here = prefix ? `${prefix}/${name}` : name;
    const open = look.isOpen || look.around.has(here) || folder.folders.size === 1;
    const title = h("summary", {}, icon("folder"), h("span", {}, name), h("small", {}, count(inner.size, "file")));
    return h("li", { "data-key": `folder ${here}` }, h("details", { open }, title, level(inner, here, look)));
  });
  const files = folder.files.map((file) => {
    const link = { href: look.href(file), title: file.path, "aria-current": file.path === look.path ? "true" : null };
    return h("li", { "data-key": file.path }, h("a", link, icon("file"), h("span", {}, file.path.split("/").at(-1)), h("small", {}, bytes(file.size))));
  });
  return h("ul", {}, folders, files);
}
