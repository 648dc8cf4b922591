// SPDX-License-Identifier: Apache-2.0
// What the microphone hears: its level, the wake words' probability and, if asked for, the sound.
import {act, ask, doing, find, make, tell} from "./ask.js";

const RATE_HZ = 16000;
const WORDS_MS = 250;
const FLOOR_DB = -60;
let hearing = null;
let speaker = null;

export function stopHearing() {
  hearing?.abort();
}

function level(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const rms = Math.sqrt(sum / Math.max(samples.length, 1)) / 0x8000;
  return Math.max(FLOOR_DB, 20 * Math.log10(rms || 1e-9));
}

function play(samples) {
  if (!find("aloud").checked || !samples.length) return;
  speaker ??= {context: new AudioContext({sampleRate: RATE_HZ}), at: 0};
  const buffer = speaker.context.createBuffer(1, samples.length, RATE_HZ);
  buffer.copyToChannel(Float32Array.from(samples, (sample) => sample / 0x8000), 0);
  const source = speaker.context.createBufferSource();
  source.buffer = buffer;
  source.connect(speaker.context.destination);
  speaker.at = Math.max(speaker.at, speaker.context.currentTime + 0.1);
  source.start(speaker.at);
  speaker.at += buffer.duration;
}

function show(samples) {
  const meter = find("level");
  meter.value = level(samples);
  meter.textContent = `${Math.round(meter.value)} dB`;
  play(samples);
}

async function showWords(signal) {
  while (!signal.aborted) {
    find("words").replaceChildren(...Object.entries(await ask("words")).map(([word, probability]) => {
      const meter = make("meter", {min: 0, max: 1, value: probability}, probability.toFixed(2));
      return make("label", {}, `${word} `, meter);
    }));
    await new Promise((resolve) => setTimeout(resolve, WORDS_MS));
  }
}

async function hear() {
  const abort = hearing = new AbortController();
  const button = find("hear");
  try {
    const response = await act("live", {}, abort.signal);
    find("light").textContent = "The glasses' privacy light is on.";
    button.ariaPressed = "true";
    button.disabled = false;
    showWords(abort.signal).catch((error) => tell(error.message));
    let odd = new Uint8Array();
    const reader = response.body.getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      const bytes = new Uint8Array([...odd, ...piece.value]);
      odd = bytes.slice(bytes.length & ~1);
      show(new Int16Array(bytes.buffer, 0, bytes.length >> 1));
    }
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  } finally {
    abort.abort();
    if (hearing === abort) hearing = null;
    button.ariaPressed = "false";
    find("light").textContent = "";
    show(new Int16Array());
  }
}

find("hear").addEventListener("click", (event) => {
  if (hearing) stopHearing();
  else doing(event, hear);
});
