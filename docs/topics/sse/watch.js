export async function watch(show, signIn, silence = 30_000, pause = 3_000) {
  const again = () => setTimeout(watch, pause, show, signIn, silence, pause);

  const signal = AbortSignal.timeout(silence);
  const answer = await fetch("/orders", { signal }).catch(() => null);
  if (answer?.status === 401) return signIn();
  if (!answer?.ok) return again();
  const snapshot = await answer.json().catch(() => null);
  if (!snapshot) return again();
  show(snapshot.orders);

  const source = new EventSource(`/events?after=${snapshot.cursor}`);
  const restart = () => {
    clearTimeout(alarm);
    source.close();
    again();
  };
  let alarm = setTimeout(restart, silence);
  const alive = () => {
    clearTimeout(alarm);
    alarm = setTimeout(restart, silence);
  };

  source.addEventListener("beat", alive);
  source.addEventListener("order", (event) => {
    alive();
    show([JSON.parse(event.data)]);
  });
  source.addEventListener("reset", restart);
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) restart();
  });
}
