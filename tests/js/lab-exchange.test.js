import assert from "node:assert/strict";
import { test } from "node:test";

import { fill, needs, order } from "../../overrides/assets/js/lab/ui/chain.js";
import { differences, verdict } from "../../overrides/assets/js/lab/ui/compare.js";
import { decode, picture } from "../../overrides/assets/js/lab/ui/content.js";
import { eventReader } from "../../overrides/assets/js/lab/ui/events.js";
import { FieldError, asRecorded, bodyOf, encodeBody, headerLines, pairLines, withQuery } from "../../overrides/assets/js/lab/ui/message.js";

const LOGIN = { name: "login", method: "POST", url: "/token", headers: {}, body: "a=b" };
const ME = { name: "me", method: "GET", url: "/me", headers: { Authorization: "Bearer {{login.response.body.access_token}}" }, body: null };
const text = (bytes) => new TextDecoder().decode(bytes);

test("a request that needs another's answer is sent after it", () => {
  assert.deepEqual(needs(ME), ["login"]);
  assert.deepEqual(order("me", [LOGIN, ME]), ["login", "me"]);
});

test("requests that need each other, or one that is not there, do not hang", () => {
  const a = { name: "a", url: "/{{b.response.body.x}}" };
  const b = { name: "b", url: "/{{a.response.body.x}}" };
  assert.deepEqual(order("a", [a, b]), ["b", "a"]);
  assert.deepEqual(order("me", [ME]), ["me"]);
});

test("a place is filled from body or header, and what is missing is named", () => {
  const answers = { login: { headers: [["Location", "/x"]], json: { access_token: "T", list: [{ id: 4 }] } } };
  assert.equal(fill(ME, answers).request.headers.Authorization, "Bearer T");
  assert.equal(fill({ url: "{{login.response.headers.location}}" }, answers).request.url, "/x");
  assert.equal(fill({ url: "/{{login.response.body.list[0].id}}" }, answers).request.url, "/4");
  const { request, missing } = fill(ME, {});
  assert.equal(missing, "login.response.body.access_token");
  assert.match(request.headers.Authorization, /\{\{login/);
});

test("an answer equals the recorded one apart from what varies", () => {
  const recorded = { status: 200, headers: { "content-type": "application/json", "content-length": "9" }, body: { token: "a", items: [{ id: 1, n: 2 }] } };
  const answer = { status: 200, headers: [["Content-Type", "application/json"]], json: { items: [{ n: 2, id: 7 }], token: "b" } };
  assert.deepEqual(differences(recorded, answer, ["body.token", "body.items[*].id"]), []);
  assert.deepEqual(differences(recorded, answer, ["body.token"]), ["another body"]);
  assert.equal(verdict([]), "The same as recorded.");
});

test("every difference is named", () => {
  const recorded = { status: 200, headers: { "x-a": "1", "x-b": "1" }, text: "hello" };
  const answer = { status: 401, headers: [["x-a", "2"], ["x-c", "1"]], body: new Uint8Array(3), text: "bye" };
  assert.equal(
    verdict(differences(recorded, answer)),
    "Not as recorded: status 401 instead of 200, another x-a, no header x-b, a header x-c, another body.",
  );
});

test("a header that is sent twice is compared as both", () => {
  const recorded = { status: 200, headers: { "set-cookie": "a=1\nb=2" }, text: "" };
  assert.deepEqual(differences(recorded, { status: 200, headers: [["set-cookie", "a=1"], ["set-cookie", "b=2"]], body: new Uint8Array(), text: "" }), []);
});

test("a JSON body of null differs from no body", () => {
  const json = { "content-type": "application/json" };
  const pairs = Object.entries(json);
  assert.deepEqual(differences({ status: 200, headers: json, body: null }, { status: 200, headers: pairs, text: "null", json: null }), []);
  assert.deepEqual(differences({ status: 200, headers: json, body: null }, { status: 200, headers: pairs, text: "" }), ["another body"]);
});

test("lines become headers, pairs and a query; a wrong one is told with its place", () => {
  assert.deepEqual(headerLines("Accept: text/html\n\n X-A:1"), [["Accept", "text/html"], ["X-A", "1"]]);
  assert.deepEqual(pairLines("a=1=2", "query"), [["a", "1=2"]]);
  assert.equal(withQuery("/x?a=1", [["q", "ä &"]]), "/x?a=1&q=%C3%A4%20%26");
  for (const [wrong, where] of [[() => headerLines("nonsense"), "headers"], [() => pairLines("x", "query"), "query"], [() => withQuery("x", []), "path"]]) {
    assert.throws(wrong, (error) => error instanceof FieldError && error.where === where);
  }
});

test("each kind of body brings its content type, unless the reader gave one", () => {
  assert.deepEqual(encodeBody("none", "", [], []), { headers: [], body: null });
  assert.deepEqual(encodeBody("json", "{}", [], []).headers, [["Content-Type", "application/json"]]);
  assert.deepEqual(encodeBody("json", "{}", [], [["content-type", "text/plain"]]).headers, [["content-type", "text/plain"]]);
  assert.equal(text(encodeBody("form", "a=ä b\nc=1", [], []).body), "a=%C3%A4+b&c=1");
});

test("files are sent as multipart, and a file's name cannot break out of it", () => {
  const files = [{ field: "upload", name: 'a"\r\nx.txt', type: "text/plain", bytes: new TextEncoder().encode("hello") }];
  const { headers, body } = encodeBody("file", "note=hi", files, []);
  const boundary = /boundary=(\S+)/.exec(headers[0][1])[1];
  const parts = text(body).split(`--${boundary}`);
  assert.equal(parts.length, 4);
  assert.match(parts[1], /name="note"\r\n\r\nhi/);
  assert.match(parts[2], /filename="a%22 {2}x\.txt"\r\nContent-Type: text\/plain\r\n\r\nhello/);
});

test("a recorded request is shown as the form it is, and sent as it was", () => {
  const form = { "Content-Type": "application/x-www-form-urlencoded" };
  assert.deepEqual(bodyOf({ headers: form, body: "username=ada&password=correct+horse" }), { kind: "form", text: "username=ada\npassword=correct horse" });
  assert.equal(bodyOf({ headers: form, body: "a=%20" }).kind, "text");
  assert.equal(bodyOf({ headers: { "content-type": "application/json" }, body: '{"a":1}' }).text, '{\n  "a": 1\n}');
  assert.equal(text(asRecorded({ method: "POST", url: "/", headers: {}, body: '{"a":1}' }).body), '{"a":1}');
});

test("events are split whatever pieces they arrive in", () => {
  const whole = 'data: {"a":1}\nid: 1\nretry: 1000\n\n: ping\n\nevent: news\ndata: x\ndata: y\n\n';
  for (const size of [1, 3, 7, 1000]) {
    const read = eventReader();
    const events = [];
    for (let at = 0; at < whole.length; at += size) events.push(...read(whole.slice(at, at + size)));
    assert.deepEqual(events.map((each) => each.data), ['{"a":1}', "", "x\ny"]);
    assert.deepEqual([events[0].id, events[0].retry, events[1].comment, events[2].event], ["1", "1000", "ping", "news"]);
  }
});

test("an answer's bytes are text, JSON, a picture, or neither", () => {
  const bytes = (words) => new TextEncoder().encode(words);
  const type = (name) => [["content-type", name]];
  assert.deepEqual(decode(type("application/problem+json"), bytes('{"a":1}')), { text: '{"a":1}', json: { a: 1 } });
  assert.deepEqual(decode(type("application/json"), bytes("{")), { text: "{" });
  assert.equal(decode(type("application/octet-stream"), new Uint8Array([255, 254])).text, null);
  assert.equal(picture(type("image/png"), new Uint8Array([1, 2])), "data:image/png;base64,AQI=");
  assert.equal(picture(type("text/html"), bytes("<b>")), null);
});
