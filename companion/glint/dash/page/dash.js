// SPDX-License-Identifier: Apache-2.0
// The dashboard's page. What the glasses say becomes text, never markup.
"use strict";

const SHOWN_EVENTS = 200;
const STATUS_MS = 5000;
const KNOWN = ["type", "seq", "time", "time_ms", "boot_id"];
const find = (id) => document.getElementById(id);

function show(event) {
  const line = document.createElement("li");
  const when = document.createElement("time");
  const what = document.createElement("strong");
  when.textContent = event.time ? new Date(event.time).toLocaleTimeString() : "earlier";
  if (event.time) when.dateTime = event.time;
  what.textContent = ` ${event.type} `;
  const said = Object.entries(event).filter(([key]) => !KNOWN.includes(key));
  line.append(when, what, said.map(([key, value]) => `${key} ${value}`).join(", "));
  const list = find("events");
  list.prepend(line);
  while (list.children.length > SHOWN_EVENTS) list.lastChild.remove();
}

async function ask(path, options) {
  const response = await fetch(path, options);
  if (response.ok) return response;
  const text = await response.text();
  let said = text;
  try { said = JSON.parse(text).error; } catch { /* plain text */ }
  throw new Error(said);
}

async function refresh() {
  try {
    const facts = await (await ask("/api/status")).json();
    find("state").textContent = facts.connected ? "connected" : "looking for the glasses";
    delete facts.connected;
    const rows = Object.entries(facts).flatMap(([key, value]) => {
      const name = document.createElement("dt");
      const fact = document.createElement("dd");
      name.textContent = key.replaceAll("_", " ");
      fact.textContent = Array.isArray(value) ? value.join(", ") : String(value);
      return [name, fact];
    });
    if (rows.length) find("facts").replaceChildren(...rows);
  } catch (error) {
    find("state").textContent = error.message;
  }
  setTimeout(refresh, STATUS_MS);
}

async function take() {
  const button = find("take");
  button.disabled = true;
  find("trouble").textContent = "";
  try {
    const picture = await (await ask("/api/photo", {method: "POST", headers: {"X-Glint": "1"}})).blob();
    const image = find("photo");
    URL.revokeObjectURL(image.src);
    image.src = URL.createObjectURL(picture);
    image.alt = `Photo taken at ${new Date().toLocaleTimeString()}`;
    image.hidden = false;
  } catch (error) {
    find("trouble").textContent = error.message;
  }
  button.disabled = false;
}

async function start() {
  // First what comes, then what was: what is in both is shown once.
  const early = [];
  let shown = null;
  const stream = new EventSource("/api/stream");
  stream.onmessage = (message) => {
    const event = JSON.parse(message.data);
    if (shown === null) early.push(event);
    else show(event);
  };
  stream.onerror = () => { find("state").textContent = "looking for glint dash"; };
  await new Promise((resolve) => { stream.onopen = resolve; });
  const kept = await (await ask("/api/events")).json();
  const name = (event) => `${event.boot_id} ${event.seq}`;
  shown = new Set(kept.map(name));
  kept.forEach(show);
  early.filter((event) => !shown.has(name(event))).forEach(show);
}

find("take").addEventListener("click", take);
refresh();
start();
