// A front end without a server of its own: it takes its token from the fragment, removes it from the address, and keeps
// it in memory only.
"use strict";

const element = (id) => document.getElementById(id);
const say = (text) => { element("front-status").textContent = text; };

let token = null;

function take(tokens) {
  token = tokens.access_token;
  element("front-token").textContent = "expires_in" in tokens ? `good for ${inWords(tokens.expires_in)}` : "of unknown lifetime";
}

function inWords(seconds) {
  const [unit, length] = [["days", 86400], ["hours", 3600], ["minutes", 60]].find(([, length]) => seconds >= 2 * length)
    ?? ["seconds", 1];
  return `${Math.round(seconds / length)} ${unit}`;
}

async function show() {
  const answer = await fetch("/front/me", { headers: { Authorization: `Bearer ${token}` } });
  const body = await answer.json();
  if (!answer.ok) {
    say(body.error_description);
    return;
  }
  element("front-name").textContent = body.displayName;
  element("front-facts").hidden = false;
  element("front-refresh").hidden = false;
  say("The session was handed over.");
}

async function refresh() {
  const answer = await fetch("/oauth/refresh", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: "{}",
  });
  const body = await answer.json();
  if (!answer.ok) {
    say(body.error_description);
    return;
  }
  take(body);
  await show();
  say("The token was renewed.");
}

const fragment = new URLSearchParams(location.hash.slice(1));
history.replaceState(null, "", location.pathname);
const failed = () => say("This integration does not answer. Try again.");
element("front-refresh").addEventListener("click", () => refresh().catch(failed));
if (fragment.has("access_token")) {
  take(Object.fromEntries(fragment));
  show().catch(failed);
} else {
  say("No session was handed over. Go back and sign in.");
}
