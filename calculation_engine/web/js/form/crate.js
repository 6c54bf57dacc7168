/** Takes in a job from its crate: the file that "Export" wrote, chosen or dropped. */

import { address, send } from "../api.js";
import { h, icon } from "../dom.js";
import { bytes, shortId } from "../format.js";
import { note, problemBox } from "../problem.js";

/**
 * Return `{button, told, drop}`: what chooses a crate, the place where its faults are told, and the handlers with
 * which a part of the page takes one that is dropped.
 */
export function crateForm() {
  const told = h("div", { role: "status", "aria-live": "polite" });
  const picker = h("input", { type: "file", accept: ".zip,application/zip", class: "unseen", tabindex: -1, "aria-hidden": "true", onchange: () => chosen() });
  const choose = h("button", { type: "button", title: "Choose a crate that Export has written, here or on another machine; or drop it on this page", onclick: () => picker.click() }, icon("up"), "Import a job");
  const drop = {
    ondragover: (event) => event.dataTransfer.types.includes("Files") && event.preventDefault(),
    ondrop: (event) => {
      event.preventDefault();
      take(event.dataTransfer.files);
    },
  };

  function chosen() {
    take([...picker.files]);
    picker.value = "";
  }
  async function take(files) {
    if (files.length !== 1) {
      if (files.length > 1) note("Import one crate at a time.", "bad");
      return;
    }
    const [file] = files;
    choose.disabled = true;
    told.replaceChildren(h("p", { class: "card" }, `${file.name}, ${bytes(file.size)}, is being sent and checked …`));
    try {
      const reply = await send(address(["job", "import"]), { method: "POST", headers: { "Content-Type": "application/zip" }, body: file });
      const job = await reply.json();
      const name = job.name || shortId(job.id);
      note(reply.status === 201 ? `${name} is here now, with its results.` : `${name} was here already.`);
      location.hash = `#/job/${job.id}`;
    } catch (error) {
      told.replaceChildren(problemBox(error));
    } finally {
      choose.disabled = false;
    }
  }
  return { button: [picker, choose], told, drop };
}
