// What every page has: keys that lead somewhere, buttons that copy, and how scripts of pages speak to us.
"use strict";

const ratchet = {
  /** A POST of JSON with the session's secret. Answers the Response; throws with a sentence for people. */
  async post(path, body, signal) {
    const answer = await fetch(path, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        "X-Ratchet-Csrf": document.querySelector('meta[name="csrf"]').content,
      },
      body: JSON.stringify(body),
      signal,
    });
    if (!answer.ok) {
      const problem = await answer.json().catch(() => ({}));
      throw new Error(problem.detail || problem.title || `The server answered ${answer.status}.`);
    }
    return answer;
  },

  /** Each line of an answer as JSON, as it arrives. */
  async *lines(answer) {
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      rest += value || "";
      const lines = rest.split("\n");
      rest = lines.pop();
      for (const line of lines) if (line.trim()) yield JSON.parse(line);
      if (done) return;
    }
  },

  /** An element with text, never markup: what comes from Slack is data. */
  element(name, className, text) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  },
};

(() => {
  const typing = (target) => target.closest("input, textarea, select, [contenteditable]");
  let going = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.key === "/") {
      const field = document.querySelector("main input:not([type=hidden]), main textarea, main select");
      if (field) { event.preventDefault(); field.focus(); }
    } else if (event.key === "g") {
      going = event.timeStamp;
    } else if (event.timeStamp - going < 1500) {
      going = 0;
      const link = document.querySelector(`nav a[data-key="${CSS.escape(event.key)}"]`);
      if (link) link.click();
    }
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    const said = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = said; }, 1200);
  });

  // The browser asks once more before what cannot be undone.
  document.addEventListener("submit", (event) => {
    const question = event.target.dataset.confirm;
    if (question && !window.confirm(question)) event.preventDefault();
  });

  const now = document.querySelector('nav a[aria-current="page"]');
  if (now) now.scrollIntoView({ block: "nearest", inline: "center" });
})();
