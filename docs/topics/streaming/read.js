export async function* records(response) {
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  const text = response.body.pipeThrough(new TextDecoderStream());
  const reader = text.getReader();
  let rest = "";
  try {
    for (let next; !(next = await reader.read()).done; ) {
      const lines = (rest + next.value).split("\n");
      rest = lines.pop();
      for (const line of lines) yield JSON.parse(line);
    }
  } finally {
    await reader.cancel();
  }
}

export async function ask(question, show, signal) {
  const response = await fetch("/answers", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ text: question }),
    signal,
  });
  for await (const record of records(response)) {
    if (record.kind === "token") show(record.text);
    if (record.kind === "failed") throw new Error(record.reason);
    if (record.kind === "done") return;
  }
  throw new Error("The answer is incomplete");
}
