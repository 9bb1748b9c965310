// What every page has: its link with the word on it and the question for a key, drawing at a bounded pace, meters of the head.
import { Link } from './connection.js';
import * as format from './format.js';
import { byId, setText } from './tables.js';

const DRAW_MS = 100;

/**
 * Runs a page on `state`: what comes over the link goes in by `applySnapshot` and `applyMessage`, a frame of another kind by `applyFrame`, which
 * says whether it knew it. `draw(dirty, isLinked)` is called soon after, with the names of what changed. Returns a function that has
 * parts drawn again by name.
 */
export function runPage(path, topics, state, { applySnapshot, applyMessage, applyFrame, draw }) {
  let isLinked = false;
  const schedule = drawer(() => {
    const { dirty } = state;
    state.dirty = new Set();
    draw(dirty, isLinked);
  });
  const redraw = (...parts) => {
    for (const part of parts) state.dirty.add(part);
    schedule();
  };
  const link = openLink(path, topics, {
    snapshot(snapshot) {
      applySnapshot(state, snapshot);
      schedule();
    },
    frame(frame) {
      if (frame.type === 'message') applyMessage(state, frame);
      else if (frame.type === 'batch') for (const message of frame.messages) applyMessage(state, message);
      else if (frame.type === 'dropped') state.lost += frame.count;
      else if (!applyFrame?.(frame)) return;
      schedule();
    },
    linked(now) {
      isLinked = now;
      redraw('engines');
    },
  });
  everySecond(state, () => redraw('engines'));
  link.open();
  return redraw;
}

// What the link says of itself goes into the head.
function openLink(path, topics, { snapshot, frame, linked }) {
  // There is nothing to see without a key, so that Escape does not send the question away.
  byId('key-dialog').oncancel = (event) => event.preventDefault();
  return new Link(path, topics, {
    snapshot,
    frame,
    status(text, tone) {
      const pill = byId('link');
      pill.dataset.tone = tone;
      setText(pill, text);
      document.body.classList.toggle('offline', tone === 'bad');
      linked(tone === 'good');
    },
    askKey,
  });
}

function askKey(isWrong) {
  byId('key-wrong').hidden = !isWrong;
  byId('key-dialog').showModal();
  return new Promise((resolve) => {
    byId('key-form').onsubmit = (event) => {
      event.preventDefault();
      byId('key-dialog').close();
      resolve(byId('key').value);
      byId('key').value = '';
    };
  });
}

// Returns a function that has `draw` called soon, at most ten times a second.
function drawer(draw) {
  let scheduled = false;
  let drawnMs = 0;
  return () => {
    if (scheduled) return;
    scheduled = true;
    const wait = Math.max(0, drawnMs + DRAW_MS - performance.now());
    const now = () => {
      scheduled = false;
      drawnMs = performance.now();
      draw();
    };
    setTimeout(() => requestAnimationFrame(now), wait);
  };
}

// Keeps the meters of the head, and calls `look` every second: silence makes an engine `down` without a message. `state` counts
// `messages` of the second and those `lost`.
function everySecond(state, look) {
  const tick = () => {
    setText(byId('rate'), format.count(state.messages));
    state.messages = 0;
    setText(byId('clock'), `${new Date().toISOString().slice(0, 19).replace('T', ' ')} UTC`);
    byId('lost').hidden = state.lost === 0;
    setText(byId('lost'), `${format.count(state.lost)} skipped`);
    look();
  };
  tick();
  setInterval(tick, 1000);
}
