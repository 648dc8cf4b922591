// SPDX-License-Identifier: Apache-2.0
// What can be changed: models, settings, companions, the application; and what went wrong.
import {act, ask, doing, find, make} from "./ask.js";

// A button that does something, and then shows the list that it is in anew.
function button(text, described, work, show) {
  const click = (event) => doing(event, async () => show(await (await work()).json()));
  const element = make("button", {type: "button", ariaLabel: described}, text);
  element.addEventListener("click", click);
  return element;
}

function showModels(models) {
  find("models").replaceChildren(...models.map(({name, kind, bytes, active}) => {
    const change = (text, to) =>
      button(text, `${text} ${name}`, () => act("model", {name, to}), showModels);
    const used = active ? change("Stop using", "idle") : change("Use", "active");
    const about = ` ${kind}, ${bytes} bytes${active ? ", in use" : ""} `;
    const line = make("li", {}, make("strong", {}, name), about, used);
    if (!active) line.append(change("Remove", "remove"));
    return line;
  }));
}

// A setting has the type that it had: a list of names, a number or a text.
function typed(known, text) {
  if (Array.isArray(known)) return text.split(/[\s,]+/).filter(Boolean);
  return typeof known === "number" ? Number(text) : text;
}

function showSettings(settings) {
  find("settings").replaceChildren(...Object.entries(settings).map(([name, value]) => {
    const number = typeof value === "number";
    const text = Array.isArray(value) ? value.join(", ") : String(value);
    const input = make("input", {name, value: text, type: number ? "number" : "text"});
    const form = make("form", {}, make("label", {}, `${name} `, input), make("button", {}, "Set"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      doing(event, async () => {
        const answer = await act("setting", {name, value: typed(value, input.value)});
        showSettings(await answer.json());
        showModels(await ask("models"));
      });
    });
    return form;
  }));
}

function showBonds({bonds, open_s: openS}) {
  const open = openS === null ? "The window is open." : `The window is open for ${Math.round(openS)} s.`;
  find("open").textContent = openS === 0 ? "" : open;
  find("bonds").replaceChildren(...bonds.map(({id, name, address, this: own}) => {
    const input = make("input", {value: name, maxLength: 32, ariaLabel: `Name of companion ${id}`});
    const save = button("Name", `Name companion ${id}`, () => act("bond", {id, name: input.value}), showBonds);
    const line = make("li", {}, `${address}${own ? " (this one) " : " "}`, input, save);
    const gone = () => act("bond", {id, name: null});
    if (!own) line.append(button("Remove", `Remove companion ${id}`, gone, showBonds));
    return line;
  }));
}

function showBoot({safe, crash, refused}) {
  find("crash").textContent = [safe && "Safe mode.", refused, crash].filter(Boolean).join("\n");
}

export function showProgress({percent}) {
  find("sent").value = percent;
}

// One after the other, as the glasses answer one request at a time.
export async function showAll() {
  const parts = [
    ["models", "models", showModels],
    ["config", "settings", showSettings],
    ["bonds", "bonds", showBonds],
    ["boot", "crash", showBoot],
  ];
  for (const [name, id, show] of parts) {
    find(id).textContent = "";
    try {
      show(await ask(name));
    } catch (error) {
      find(id).textContent = error.message;
    }
  }
}

find("window").addEventListener("click", (event) => doing(event, async () => {
  showBonds(await (await act("window", {open: true})).json());
}));
find("update").addEventListener("submit", (event) => {
  event.preventDefault();
  const image = event.target.elements.image.files[0];
  find("updated").textContent = "";
  doing(event, async () => {
    const {version, before} = await (await act("update", image)).json();
    find("updated").textContent = `${version} runs, and is confirmed (before: ${before}).`;
  });
});
