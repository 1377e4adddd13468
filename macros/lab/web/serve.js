// Answers the page's messages by calling Python's driver.

export function serve(python, post, log) {
  const driver = python.pyimport("lab.server");
  const server = driver.Server();
  const plain = { dict_converter: Object.fromEntries };

  const bytesOf = (buffer) => {
    const copy = buffer.toJs();
    buffer.destroy?.();
    return copy;
  };

  const actions = {
    async load({ topic, files, entry }) {
      log.restart();
      return await server.load(topic, python.toPy(files), entry);
    },
    async request({ id, method, path, headers, body }) {
      const head = (status, pairs) => post({ type: "head", id, status, headers: pairs.toJs() });
      const chunk = (data) => {
        log.flush();
        post({ type: "chunk", id, data: bytesOf(data) });
      };
      const sent = body ? python.toPy(body).tobytes() : null;
      return await server.request(id, method, path, python.toPy(headers), sent, head, chunk);
    },
    async websocket({ id, path, headers, subprotocols }) {
      const tell = (kind, facts) => post({ type: `ws-${kind}`, id, ...facts });
      return await driver.open_socket(server, id, path, python.toPy(headers), python.toPy(subprotocols), tell);
    },
    abort: ({ target }) => server.under_way(target)?.disconnect(),
    "ws-send": ({ target, data }) => server.under_way(target)?.send(typeof data === "string" ? data : python.toPy(data).tobytes()),
    "ws-close": ({ target, code, reason }) => server.under_way(target)?.close(code, reason),
    async proofs({ id, topic, files, only, known, verify = false }) {
      log.restart();
      await server.unload();
      const beat = () => post({ type: "beat" });
      const tell = (text) => post({ type: "proof", id, result: JSON.parse(text) });
      const given = [files, only ?? [], known ?? {}].map((each) => python.toPy(each));
      return JSON.parse(python.pyimport("lab.proofs").run(topic, ...given, verify, tell, beat));
    },
  };

  return async ({ data }) => {
    let result;
    try {
      const answer = await actions[data.type](data);
      result = answer?.toJs ? answer.toJs(plain) : answer;
    } catch (error) {
      result = { error: { kind: "LabError", message: String(error?.message ?? error), traceback: "" } };
    }
    log.flush();
    if (data.id !== undefined) post({ type: "reply", id: data.id, result });
  };
}
