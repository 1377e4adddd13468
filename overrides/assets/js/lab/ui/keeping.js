// What code the editor holds: the original, the reader's kept edit, or code that came with a link.

import { read, write } from "../../storage.js";
import { apply, changed, createEdits } from "./edits.js";
import { LONGEST, decode, encode, isShared } from "./share.js";
import { make } from "./dom.js";

/**
 * Return {files, edited(files), adopt(files), reset(), share()} for a topic; `pane()` is the editor once it is there.
 * Code that came with a link is not kept before the reader runs or changes it.
 */
export async function keepCode(topic, notices, pane) {
  const edits = createEdits(topic, read, write);
  let fromLink = false;

  const strip = () => history.replaceState(history.state, "", location.pathname + location.search);

  function save(files) {
    if (edits.save(files)) notices.drop("storage");
    else notices.show("storage", "This browser did not keep your edit: it will be gone after a reload. Share makes a link of it.");
  }

  function adopt(files) {
    if (!fromLink) return;
    fromLink = false;
    edits.setAside();
    save(files);
    strip();
    const own = edits.aside();
    if (own && Object.keys(changed(own, topic.files)).length) {
      notices.show("link", "The code of the link is your edit now.", [["Bring my own edit back", () => restore(own)]]);
    } else notices.drop("link");
  }

  function restore(files) {
    fromLink = false;
    pane().set(files);
    save(files);
    edits.dropAside();
    strip();
  }

  async function opened() {
    const own = edits.load();
    if (isShared(location.hash)) {
      const shared = await decode(location.hash);
      const files = shared.error ? null : apply(topic.files, shared.files);
      const wrong =
        shared.error ?? (shared.topic !== topic.id ? "The code in this link belongs to another page." : null);
      if (wrong) {
        notices.show("link", `${wrong} ${own ? "Your own edit is shown." : "The original is shown."}`);
        strip();
      } else if (Object.keys(changed(files, topic.files)).length) {
        fromLink = true;
        const back = own ? ["Show my own edit", () => restore(own.files)] : ["Show the original", () => restore(topic.files)];
        notices.show("link", "This code came with the link. It has not been run: read it first, then press Run.", [back]);
        return files;
      }
    }
    if (!own) return topic.files;
    if (own.stale) {
      notices.show("stale", "The example has changed since your edit, which is shown. Reset shows the example of today.");
    } else {
      notices.show("edit", `Your edit${own.saved ? ` of ${own.saved}` : ""} is shown. Reset brings the original back.`);
    }
    return own.files;
  }

  return {
    files: await opened(),
    /** The reader changed something. */
    edited(files) {
      for (const kind of ["reset", "edit"]) notices.drop(kind);
      if (fromLink) adopt(files);
      else save(files);
    },
    adopt,
    reset() {
      const before = pane().files();
      fromLink = false;
      for (const kind of ["link", "edit", "stale", "share"]) notices.drop(kind);
      strip();
      pane().set(topic.files);
      save(topic.files);
      if (!Object.keys(changed(before, topic.files)).length) notices.show("reset", "This is the original.");
      else notices.show("reset", "The original is back.", [["Undo", () => restore(before)]]);
    },
    async share() {
      const edit = changed(pane().files(), topic.files);
      const page = location.href.split("#")[0];
      if (!Object.keys(edit).length) {
        notices.show("share", "You have not changed anything yet, so there is no code to share: the page's address will do.");
        return;
      }
      const link = page + (await encode(topic.id, edit));
      if (link.length > LONGEST) {
        notices.show("share", `This code is too long for a link: ${link.length} characters, and many programs cut at ${LONGEST}.`);
        return;
      }
      const copied = await navigator.clipboard?.writeText(link).then(() => true, () => false);
      const text = copied ? "The link is in your clipboard." : "Copy this link.";
      const field = make("input", { className: "km-lab-link", readonly: true, value: link, "aria-label": "Link to this code", onfocus: (event) => event.target.select() });
      notices.show("share", `${text} It holds the code itself; whoever opens it sees the code before it runs.`, [], field);
    },
  };
}
