// Short messages above the results, each with what can be done about it.

import { button, make } from "./dom.js";

/** Make the place for messages; `say` tells them to those who listen. */
export function makeNotices(say) {
  const element = make("div", { className: "km-lab-notices" });

  return {
    element,
    /** Show a message in place of the last one of its kind; actions are [text, function, keep?]. */
    show(kind, text, actions = [], extra = null) {
      this.drop(kind);
      const buttons = actions.map(([label, action, keep]) =>
        button(label, () => {
          if (!keep) this.drop(kind);
          action();
        }),
      );
      const away = button("Dismiss", () => this.drop(kind), { className: "km-lab-away", "aria-label": "Dismiss this message" });
      element.append(make("div", { className: "km-lab-notice", "data-kind": kind }, make("p", {}, text), extra, ...buttons, away));
      say(text);
    },
    drop(kind) {
      element.querySelector(`[data-kind="${kind}"]`)?.remove();
    },
  };
}
