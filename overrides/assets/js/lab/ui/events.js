// Splits a stream of server-sent events into events, whatever pieces it arrives in; no DOM here.

/** Return a function that takes the next piece of text and returns the events that are complete now. */
export function eventReader() {
  let rest = "";
  return (piece) => {
    rest += piece;
    const blocks = rest.split(/\r\n\r\n|\n\n|\r\r/);
    rest = blocks.pop();
    return blocks.filter((block) => block.trim() !== "").map(parse);
  };
}

function parse(block) {
  const event = { event: "message", data: [], id: null, retry: null, comment: [] };
  for (const line of block.split(/\r\n|\n|\r/)) {
    const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line);
    if (name === "") event.comment.push(value);
    else if (name === "data") event.data.push(value);
    else if (name in event) event[name] = value;
  }
  return { ...event, data: event.data.join("\n"), comment: event.comment.join("\n") };
}
