// A WebSocket connection to the app: what is said in both directions, and a line to say more.

import { button, field, make } from "./dom.js";
import { duration } from "./words.js";

const MANY = 500; // messages shown

/** Make the view; `connect(lab, {path, headers})` opens a connection. */
export function makeSocket({ say }) {
  const talk = make("ol", { className: "km-lab-events", role: "log", "aria-label": "Messages" });
  const input = make("input", { type: "text", autocomplete: "off", spellcheck: "false" });
  const send = make("button", { type: "submit", className: "km-button" }, "Send message");
  const close = button("Close", () => line?.close(1000));
  const form = make("form", { className: "km-lab-say" }, field("Message", input), send, close);
  const element = make("div", { className: "km-lab-socket", hidden: true }, form, talk);
  let line = null;
  let began = 0;

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!line) return;
    line.send(input.value);
    note("→", input.value, "sent");
    input.value = "";
    input.focus();
  });

  function note(sign, text, direction) {
    if (talk.childElementCount >= MANY) talk.firstElementChild.remove();
    const words = { sent: "you", received: "app", state: "" }[direction];
    talk.append(
      make(
        "li",
        { "data-direction": direction },
        make("span", { className: "km-lab-when" }, duration(performance.now() - began)),
        make("span", { className: "km-lab-direction" }, `${sign} ${words}`),
        make("code", { className: "km-lab-data" }, typeof text === "string" ? text : `${text.length} bytes`),
      ),
    );
  }

  function open(is) {
    send.disabled = !is;
    close.disabled = !is;
  }
  open(false);

  return {
    element,
    connect(lab, { path, headers }) {
      line?.close(1000);
      talk.replaceChildren();
      began = performance.now();
      const offered = headers.filter(([name]) => name.toLowerCase() === "sec-websocket-protocol");
      const subprotocols = offered.flatMap(([, value]) => value.split(",").map((each) => each.trim()));
      const mine = lab.websocket(
        { path, headers: headers.filter((each) => !offered.includes(each)), subprotocols },
        {
          onOpen: (event) => {
            open(true);
            note("", event?.subprotocol ? `connected, speaking ${event.subprotocol}` : "connected", "state");
            say("Connected");
            input.focus();
          },
          onMessage: (data) => note("←", data?.data ?? data, "received"),
          onClose: (event) => {
            if (line !== mine && line !== null) return;
            line = null;
            open(false);
            const code = event?.code ?? event;
            note("", `closed${code ? ` with ${code}` : ""}${event?.reason ? `: ${event.reason}` : ""}`, "state");
            say("Closed");
          },
        },
      );
      line = mine;
    },
    reset() {
      line?.close(1000);
      line = null;
      open(false);
    },
  };
}
