// SPDX-License-Identifier: Apache-2.0
// The glasses' state, and what is left in their battery.
import {ask, facts, find} from "./ask.js";

const range = (span, per, unit) =>
  span ? `${(span[0] / per).toFixed(2)} to ${(span[1] / per).toFixed(2)} ${unit}` : "unknown";

const LEDGER = {
  listening_ms: "listening", watching_ms: "watching", engaged_ms: "recording", idle_ms: "idle",
  connected_ms: "connected",
};

export async function showState(state) {
  if (!state.connected) {
    find("state").textContent = state.gone ?? "looking for the glasses";
    return;
  }
  find("state").textContent = "connected";
  find("percent").textContent = ` ${state.battery_percent} %`;
  find("charge").value = state.battery_percent;
  facts(find("facts"), [
    ["board", state.board],
    ["firmware", state.firmware],
    ["MicroPython", state.micropython],
    ["listens for", state.words.join(", ") || "nothing"],
    ["sees with", state.vision],
    ["privacy light", state.light ? "on" : "off"],
    ["microphone", state.silent ? "silent" : `${state.lost_ms} ms lost`],
    ["hops too slow", `${state.slow_hops} of ${state.hops}`],
    ["heap free", `${state.heap_free} bytes`],
    ["running for", `${Math.round(state.uptime_ms / 60000)} min`],
  ]);
  let ledger = {};
  try { ledger = await ask("energy"); } catch { /* older firmware keeps none */ }
  const times = Object.entries(LEDGER).filter(([name]) => name in ledger);
  facts(find("ledger"), [
    ["used since boot", range(state.used_uah, 1000, "mAh")],
    ["lasts", range(state.left_min, 60, "h")],
    ...times.map(([name, text]) => [text, `${(ledger[name] / 1000).toFixed(0)} s`]),
  ]);
}
