// The implicit flow answers in the fragment, which only the browser sees: it goes to our server at once, and out of the
// address.
"use strict";

const fragment = location.hash.slice(1);
history.replaceState(null, "", location.pathname);

async function finish() {
  const answer = await fetch("/oauth", { method: "POST", body: fragment });
  if (answer.ok) {
    location.replace((await answer.json()).next);
    return;
  }
  // What went wrong is a page of its own.
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.title = page.title;
  document.querySelector("main").replaceWith(page.querySelector("main"));
}

if (fragment !== "") {
  document.getElementById("nothing").hidden = true;
  document.getElementById("waiting").hidden = false;
  finish().catch(() => {
    document.getElementById("waiting").hidden = true;
    document.getElementById("nothing").hidden = false;
  });
}
