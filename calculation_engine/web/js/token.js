/** The token of a server that asks for one; kept for this tab alone, until it is closed. */

import { h } from "./dom.js";

const KEY = "calculation-engine.token";
let asking = null;

/** Return the token, or an empty text. */
export function currentToken() {
  return sessionStorage.getItem(KEY) ?? "";
}

/** Ask the user for a token, unless it was changed since `used`; return when there is one. */
export function demandToken(reason, used) {
  if (currentToken() !== used) return Promise.resolve();
  asking ??= ask(reason).finally(() => {
    asking = null;
  });
  return asking;
}

/** Let the user change or forget the token. */
export function offerToken() {
  return ask("Jobs belong to the owner of a token. It is kept in this tab until the tab is closed.", true);
}

/** Show the button that changes the token where there is one. */
export function showTokenButton() {
  const button = document.getElementById("token");
  button.hidden = !currentToken();
  button.onclick = () => offerToken().then(() => location.reload(), () => {});
}

function ask(reason, mayCancel = false) {
  return new Promise((resolve, reject) => {
    const field = h("input", { type: "password", id: "token-field", autocomplete: "off", required: true, minlength: 16 });
    const form = h(
      "form",
      { method: "dialog" },
      h("h2", {}, "Token"),
      h("p", {}, reason),
      h("label", { for: "token-field" }, "Token that the administrator gave you"),
      field,
      h(
        "div",
        { class: "row end" },
        mayCancel && h("button", { type: "button", class: "quiet", onclick: forget }, "Forget it"),
        mayCancel && h("button", { type: "button", onclick: () => dialog.close() }, "Cancel"),
        h("button", { class: "primary" }, "Use it"),
      ),
    );
    const dialog = h("dialog", { class: "dialog", "aria-label": "Token" }, form);
    function forget() {
      sessionStorage.removeItem(KEY);
      location.reload();
    }
    form.onsubmit = () => {
      sessionStorage.setItem(KEY, field.value.trim());
      showTokenButton();
      resolve();
    };
    dialog.oncancel = (event) => mayCancel || event.preventDefault();
    dialog.onclose = () => {
      dialog.remove();
      reject(new DOMException("no token was given", "AbortError"));
    };
    document.body.append(dialog);
    dialog.showModal();
  });
}
