// SPDX-License-Identifier: Apache-2.0
// What all of the page's modules share: how they ask the server, and how they show.

export const find = (id) => document.getElementById(id);

// The pair of glasses that is shown, as the server counts them.
export const shown = {pair: 0};

export const path = (rest) => `/api/${shown.pair}/${rest}`;

async function said(response) {
  const text = await response.text();
  try { return JSON.parse(text).error; } catch { return text; }
}

// Asks about the pair that is shown. An answer that comes when another one is shown is not given.
export async function ask(rest) {
  const {pair} = shown;
  const response = await fetch(path(rest));
  const answer = response.ok ? await response.json() : new Error(await said(response));
  if (pair !== shown.pair) return new Promise(() => {});
  if (answer instanceof Error) throw answer;
  return answer;
}

export async function act(rest, body, signal) {
  const file = body instanceof Blob;
  const response = await fetch(path(rest), {
    method: "POST",
    headers: {"X-Glint": "1"},
    signal,
    body: file ? body : JSON.stringify(body ?? {}),
  });
  if (!response.ok) throw new Error(await said(response));
  return response;
}

export function tell(text) {
  find("trouble").textContent = text;
}

// Does something that a button, or the form that it is in, asks for: once at a time, and its failure
// is told.
export async function doing({currentTarget, target}, work) {
  const button = target.matches("form") ? target.querySelector("button") : currentTarget;
  const list = button.closest("ul");
  button.disabled = true;
  tell("");
  try {
    await work();
  } catch (error) {
    tell(error.message);
  }
  button.disabled = false;
  // Who uses the keyboard goes on where they were, or in the list if that is shown anew.
  if (document.activeElement === document.body) (button.isConnected ? button : list)?.focus();
}

// An element; what is said in it becomes text, never markup.
export function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

export function facts(list, rows) {
  list.replaceChildren(...rows.flatMap(([name, value]) => [
    make("dt", {}, name), make("dd", {}, value),
  ]));
}

export function when(time) {
  const shownTime = time ? new Date(time).toLocaleTimeString() : "earlier";
  const element = make("time", {}, shownTime);
  if (time) element.dateTime = time;
  return element;
}
