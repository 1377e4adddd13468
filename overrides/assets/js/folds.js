// A link to something inside a closed fold opens the fold: without this a proof's address would show its title only.

// An address may hold anything after the "#", also what decodes to nothing.
function idOf(hash) {
  try {
    return decodeURIComponent(hash.slice(1));
  } catch {
    return hash.slice(1);
  }
}

function openAround(hash) {
  const target = document.getElementById(idOf(hash));
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
