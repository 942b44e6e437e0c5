// Starts the space widget of Webex with an access token that our server hands to this page. It stays in memory.
"use strict";

const status = document.getElementById("widget-status");

async function start() {
  const maker = window.webex?.widget ?? window.ciscospark?.widget;
  if (maker === undefined) {
    status.textContent = "The widget of Webex could not be loaded.";
    return;
  }
  const answer = await fetch("/space/token", { method: "POST" });
  if (!answer.ok) {
    status.textContent = "Your session has ended. Go back and sign in again.";
    return;
  }
  const { access_token: accessToken, space } = await answer.json();
  maker(document.getElementById("widget")).spaceWidget({ accessToken, destinationType: "spaceId", destinationId: space });
  status.hidden = true;
}

start().catch(() => {
  status.textContent = "The widget of Webex does not start. Try again.";
});
