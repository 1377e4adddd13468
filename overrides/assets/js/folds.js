// A link to something inside a closed fold opens the fold: without this a proof's address would show its title only.

function openAround(hash) {
  const id = decodeURIComponent(hash.slice(1));
  const target = id && document.getElementById(id);
  if (!target) return;
  let opened = false;
  for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) {
    opened ||= !fold.open;
    fold.open = true;
  }
  if (opened) target.scrollIntoView();
}

let mounted = false;

export function mountFolds() {
  if (mounted) return;
  mounted = true;
  addEventListener("hashchange", () => openAround(location.hash));
  openAround(location.hash);
}
