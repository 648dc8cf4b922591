// SPDX-License-Identifier: Apache-2.0
// What happens: events, photos, recordings and lines of the log.
import {act, doing, find, make, path, when} from "./ask.js";

const SHOWN_EVENTS = 200;
const KNOWN = ["type", "seq", "time", "time_ms", "boot_id"];
const seen = new Set();

const key = (fields) => `${fields.boot_id} ${fields.seq}`;

export function clear() {
  seen.clear();
  for (const id of ["events", "photos", "notes", "log"]) find(id).replaceChildren();
}

function prepend(list, line) {
  list.prepend(line);
  while (list.children.length > SHOWN_EVENTS) list.lastChild.remove();
}

export function showEvent(event) {
  if (seen.has(key(event))) return;
  seen.add(key(event));
  const said = Object.entries(event).filter(([name, value]) => !KNOWN.includes(name) && value !== null);
  const rounded = (value) => typeof value === "number" ? Math.round(value * 100) / 100 : value;
  const text = said.map(([name, value]) => `${name} ${rounded(value)}`).join(", ");
  const line = make("li", {}, when(event.time), make("strong", {}, ` ${event.type} `), text);
  prepend(find("events"), line);
}

export function showLine(line) {
  const told = `${line.time} ${line.text}`;
  if (seen.has(told)) return;
  seen.add(told);
  prepend(find("log"), make("li", {}, when(line.time), ` ${line.text}`));
}

// A photo or a recording, once; what is known of it later replaces its caption.
export function showMedia(media) {
  const list = find(media.kind === "photo" ? "photos" : "notes");
  const id = `m-${media.boot_id}-${media.seq}`;
  let figure = find(id);
  if (!figure) {
    const from = path(`media/${media.boot_id}/${media.seq}`);
    const content = media.kind === "photo"
      ? make("img", {src: from, alt: ""})
      : make("audio", {src: from, controls: true, preload: "none"});
    figure = make("figure", {id}, content, make("figcaption"));
    prepend(list, figure);
  }
  const about = media.captions.join(", ");
  const time = when(media.time);
  figure.querySelector("figcaption").replaceChildren(time, about && ` ${about}`);
  const name = media.kind === "photo" ? "Photo" : "Recording";
  const described = `${name} of ${time.textContent}${about && `: ${about}`}`;
  if (media.kind === "photo") figure.firstChild.alt = described;
  else figure.firstChild.ariaLabel = described;
}

find("take").addEventListener("click", (event) => doing(event, () => act("photo")));
find("note").addEventListener("submit", (event) => {
  event.preventDefault();
  const {seconds} = event.target.elements;
  doing(event, () => act("note", {seconds: Number(seconds.value)}));
});
