// SPDX-License-Identifier: Apache-2.0
// Starts the page: one pair of glasses, its news as they come, and its state every few seconds.
import {ask, find, shown, path, tell} from "./ask.js";
import {clear, showEvent, showLine, showMedia} from "./news.js";
import {showState} from "./state.js";
import {stopHearing} from "./live.js";
import {showAll, showProgress} from "./manage.js";

const STATE_MS = 5000;
let stream = null;

async function refresh() {
  try {
    showState(await ask("state"));
  } catch (error) {
    find("state").textContent = error.message;
  }
}

// First what comes, then what was: what is in both is shown once.
async function follow() {
  stream?.close();
  clear();
  const early = [];
  let ready = false;
  const now = (show) => (message) => {
    const fields = JSON.parse(message.data);
    if (ready) show(fields);
    else early.push(() => show(fields));
  };
  const mine = stream = new EventSource(path("stream"));
  stream.addEventListener("event", now(showEvent));
  stream.addEventListener("media", now(showMedia));
  stream.addEventListener("log", now(showLine));
  stream.addEventListener("progress", now(showProgress));
  stream.onerror = () => { find("state").textContent = "looking for glint dash"; };
  await new Promise((resolve) => { mine.onopen = resolve; });
  // It was lost, and is there again.
  mine.onopen = () => follow().catch((error) => tell(error.message));
  const [events, media, log] = await Promise.all([ask("events"), ask("media"), ask("log")]);
  if (mine !== stream) return;
  events.forEach(showEvent);
  media.forEach(showMedia);
  log.forEach(showLine);
  early.forEach((show) => show());
  ready = true;
}

function choose(pair) {
  stopHearing();
  tell("");
  shown.pair = pair;
  find("csv").href = path("events?format=csv");
  find("json").href = path("events");
  refresh();
  showAll();
  return follow();
}

async function start() {
  const pairs = await (await fetch("/api/pairs")).json();
  const select = find("pair");
  select.append(...pairs.map((name, index) => new Option(name, index)));
  find("choice").hidden = pairs.length < 2;
  select.addEventListener("change", () => choose(Number(select.value)));
  setInterval(refresh, STATE_MS);
  await choose(0);
}

start().catch((error) => tell(error.message));
